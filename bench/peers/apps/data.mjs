/** An app that holds some 100 MB once it is loaded: what each worker has of it beside what it shares. */
const rows = Array.from({ length: 1_000_000 }, (_, id) => ({ id, name: `row ${id}`, half: id / 2 }))

export default {
  fetch() {
    return new Response('Hello, world!\n', { headers: { 'Content-Type': 'text/plain', 'X-Rows': String(rows.length) } })
  },
}

/** bun bun-routes.mjs PORT: an answer that Bun holds ready, without a call of JavaScript. */
const [port] = process.argv.slice(2)

Bun.serve({
  port: Number(port),
  hostname: '127.0.0.1',
  routes: { '/hello': new Response('Hello, world!\n', { headers: { 'Content-Type': 'text/plain' } }) },
})

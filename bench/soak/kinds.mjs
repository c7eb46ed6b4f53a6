/**
 * The kinds of clients that a server meets at once. Each is a turn: it asks, compares
 * each answer to the byte, and returns how many it has had; what is wrong is thrown.
 * `at` is { port, site, turn }: the contents of the site's files by name, and which
 * turn of this client it is, so that clients go through all sizes and variants.
 */
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { HELLO_TEXT } from '../workloads.mjs'
import { Client } from './client.mjs'

export const PAGE = 'page.html'

const KEPT_REQUESTS = 50
const PIPELINED = 16
const POST_BYTES = [0, 10, 10_000, 300_000]
const CHUNK_BYTES = 4_000
const HELLO = Buffer.from(HELLO_TEXT)

export const KINDS = { kept, once, files, pipelined, posted, ranges, compressed, aborted }

async function kept({ port }) {
  return over(port, async (client) => {
    for (let i = 0; i < KEPT_REQUESTS; i++) expect(await client.send(get('/hello')).response(), 200, HELLO, '/hello')
    return KEPT_REQUESTS
  })
}

async function once({ port }) {
  return over(port, async (client) => {
    expect(await client.send(get('/hello', 'Connection: close')).response(), 200, HELLO, '/hello')
    await client.end()
    return 1
  })
}

/** All of the site over one connection; and again, where it has not changed. */
async function files({ port, site }) {
  return over(port, async (client) => {
    for (const [name, bytes] of Object.entries(site)) {
      const answer = await client.send(get(`/${name}`)).response()
      expect(answer, 200, bytes, name)
      const again = await client.send(get(`/${name}`, `If-None-Match: ${answer.headers.etag}`)).response()
      expect(again, 304, Buffer.alloc(0), `${name}, unchanged`)
    }
    return 2 * Object.keys(site).length
  })
}

async function pipelined({ port, site }) {
  const small = Object.keys(site).filter((name) => site[name].length < 20_000)
  const asked = Array.from({ length: PIPELINED }, (_, i) => (i % 2 === 0 ? 'hello' : small[i % small.length]))
  return over(port, async (client) => {
    client.send(asked.map((name) => get(`/${name}`)).join(''))
    for (const name of asked) expect(await client.response(), 200, site[name] ?? HELLO, `${name}, pipelined`)
    return PIPELINED
  })
}

/** To an app that sends back what it is sent, as it comes. */
async function posted({ port, turn }) {
  return over(port, async (client) => {
    for (const bytes of POST_BYTES) {
      const body = Buffer.alloc(bytes, `turn ${turn} `)
      client.send(post(`Content-Length: ${bytes}`), body)
      expect(await client.response(), 200, body, `a body of ${bytes} bytes`)
      client.send(post('Transfer-Encoding: chunked'), ...chunksOf(body))
      expect(await client.response(), 200, body, `a body of ${bytes} bytes in chunks`)
    }
    return 2 * POST_BYTES.length
  })
}

async function ranges({ port, site, turn }) {
  return over(port, async (client) => {
    for (const [name, bytes] of Object.entries(site)) {
      const from = (turn * 7919) % bytes.length
      const to = Math.min(bytes.length - 1, from + 5_000)
      const part = await client.send(get(`/${name}`, `Range: bytes=${from}-${to}`)).response()
      expect(part, 206, bytes.subarray(from, to + 1), `${name}, bytes ${from} to ${to}`)
      const beyond = await client.send(get(`/${name}`, `Range: bytes=${bytes.length}-`)).response()
      if (beyond.status !== 416) throw new Error(`${name}, beyond its end: status ${beyond.status}`)
    }
    return 2 * Object.keys(site).length
  })
}

async function compressed({ port, site }) {
  return over(port, async (client) => {
    for (const [coding, decode] of Object.entries({ gzip: gunzipSync, br: brotliDecompressSync })) {
      const { status, headers, body } = await client.send(get(`/${PAGE}`, `Accept-Encoding: ${coding}`)).response()
      if (headers['content-encoding'] !== coding) throw new Error(`${PAGE} was asked for in ${coding}, and is not`)
      expect({ status, body: decode(body) }, 200, site[PAGE], `${PAGE} in ${coding}`)
    }
    return 2
  })
}

/** Those who leave in the midst of something. That it ends well for the others is what is seen. */
async function aborted({ port, turn }) {
  return over(port, async (client) => {
    const variant = turn % 4
    if (variant === 0) client.send('GET /hel')
    if (variant === 1) client.send(post('Content-Length: 100000'), Buffer.alloc(1_000))
    if (variant === 2) client.send(get('/1m.bin'))
    if (variant === 3) client.send(get('/1m.bin').repeat(PIPELINED))
    // Somebody who only sends leaves once a later client has been answered: the server has had the time to read.
    if (variant >= 2) await client.firstBytes()
    else await once({ port })
    return 1
  })
}

async function over(port, talk) {
  const client = new Client(port)
  try {
    return await talk(client)
  } finally {
    client.destroy()
  }
}

function get(path, ...headers) {
  return head('GET', path, headers)
}

function post(...headers) {
  return head('POST', '/app/echo', headers)
}

function head(method, path, headers) {
  return `${[`${method} ${path} HTTP/1.1`, 'Host: soak.example', ...headers].join('\r\n')}\r\n\r\n`
}

function chunksOf(body) {
  const pieces = []
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    const data = body.subarray(at, at + CHUNK_BYTES)
    pieces.push(Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]))
  }
  return [...pieces, '0\r\n\r\n']
}

function expect({ status, body }, wanted, bytes, what) {
  if (status !== wanted) throw new Error(`${what}: status ${status}`)
  if (!body.equals(bytes)) throw new Error(`${what}: ${body.length} bytes that are not the ${bytes.length} there are`)
}

/** node node.mjs PORT SITE WORKERS [CERTIFICATE KEY] */
import { createReadStream, readFileSync, stat } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { pipeline } from 'node:stream'

const [port, site, , cert, key] = process.argv.slice(2)

function answer(request, response) {
  const { url } = request
  if (url === '/hello') return response.writeHead(200, { 'Content-Type': 'text/plain' }).end('Hello, world!\n')
  if (url.startsWith('/json')) {
    const text = JSON.stringify({ path: url.split('?')[0], userAgent: request.headers['user-agent'] ?? null })
    return response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length }).end(text)
  }
  stat(site + url, (error, found) => {
    if (response.destroyed) return // the client has left: pipeline would throw
    if (error) return response.writeHead(404).end()
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': found.size })
    pipeline(createReadStream(site + url), response, () => {})
  })
}

const server =
  cert === undefined
    ? createServer(answer)
    : createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, answer)
server.keepAliveTimeout = 600_000
server.listen(Number(port), '127.0.0.1', 4096)

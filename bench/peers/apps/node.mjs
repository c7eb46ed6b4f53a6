/** node node.mjs PORT SITE */
import { createReadStream, stat } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream'

const [port, site] = process.argv.slice(2)

const server = createServer((request, response) => {
  const { url } = request
  if (url === '/hello') return response.writeHead(200, { 'Content-Type': 'text/plain' }).end('Hello, world!\n')
  if (url.startsWith('/json')) {
    const text = JSON.stringify({ path: url.split('?')[0], userAgent: request.headers['user-agent'] ?? null })
    return response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length }).end(text)
  }
  stat(site + url, (error, found) => {
    if (error) return response.writeHead(404).end()
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': found.size })
    pipeline(createReadStream(site + url), response, () => {})
  })
})
server.keepAliveTimeout = 600_000
server.listen(Number(port), '127.0.0.1', 4096)

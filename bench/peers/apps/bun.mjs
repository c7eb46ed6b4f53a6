/** bun bun.mjs PORT SITE WORKERS [CERTIFICATE KEY] */
const [port, site, , cert, key] = process.argv.slice(2)

Bun.serve({
  port: Number(port),
  hostname: '127.0.0.1',
  reusePort: true,
  ...(cert !== undefined && { tls: { cert: Bun.file(cert), key: Bun.file(key) } }),
  idleTimeout: 255,
  fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/hello') return new Response('Hello, world!\n', { headers: { 'Content-Type': 'text/plain' } })
    if (pathname === '/json') return Response.json({ path: pathname, userAgent: request.headers.get('user-agent') })
    return new Response(Bun.file(site + pathname))
  },
})

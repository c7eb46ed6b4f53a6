/** deno run deno.mjs PORT SITE WORKERS [CERTIFICATE KEY] */
const [port, , , cert, key] = Deno.args
const tls = cert === undefined ? {} : { cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) }

Deno.serve({ port: Number(port), hostname: '127.0.0.1', ...tls, onListen() {} }, (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/hello') return new Response('Hello, world!\n', { headers: { 'Content-Type': 'text/plain' } })
  return Response.json({ path: pathname, userAgent: request.headers.get('user-agent') })
})

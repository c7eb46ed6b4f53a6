/** deno run deno.mjs PORT */
const [port] = Deno.args

Deno.serve({ port: Number(port), hostname: '127.0.0.1', onListen() {} }, (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/hello') return new Response('Hello, world!\n', { headers: { 'Content-Type': 'text/plain' } })
  return Response.json({ path: pathname, userAgent: request.headers.get('user-agent') })
})

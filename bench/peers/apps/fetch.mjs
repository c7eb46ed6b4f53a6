/** For prefork: what apps/bun.mjs and apps/deno.mjs do, in the same words. */
export default {
  fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/hello') return new Response('Hello, world!\n', { headers: { 'Content-Type': 'text/plain' } })
    return Response.json({ path: pathname, userAgent: request.headers.get('user-agent') })
  },
}

/** The app that is measured: it reads its request and makes a small JSON document of it, as a small service does. */
export default {
  fetch(request) {
    const { pathname } = new URL(request.url)
    return Response.json({ path: pathname, userAgent: request.headers.get('user-agent') })
  },
}

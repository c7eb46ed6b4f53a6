/**
 * Sends back what it is sent, piece by piece: neither this app nor the server
 * ever holds more than a piece of it, however large the upload.
 *
 *     curl -T big-file http://127.0.0.1:8080/ | cmp - big-file
 */
export default {
  fetch(request: Request): Response {
    if (request.body === null) return new Response('Send something: POST or PUT.\n', { status: 400 })
    const type = request.headers.get('content-type') ?? 'application/octet-stream'
    return new Response(request.body, { headers: { 'content-type': type } })
  },
}

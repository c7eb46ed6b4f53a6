/** For the soak: sends back what it is sent, while it still comes. */
export default {
  fetch(request) {
    return new Response(request.body)
  },
}

/** An app as it should not be and often is: one request in a hundred keeps its worker from all others for 20 ms. */
const EVERY = 100
const BLOCKED_MS = 20
let requests = 0

export default {
  fetch() {
    requests += 1
    const until = performance.now() + (requests % EVERY === 0 ? BLOCKED_MS : 0)
    while (performance.now() < until);
    return new Response('Hello, World!')
  },
}

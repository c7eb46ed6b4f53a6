/**
 * The smallest app: one answer to everybody.
 *
 *     prefork ./examples/apps/hello.ts
 */
export default {
  fetch(): Response {
    return new Response('Hello, World!\n')
  },
}

/**
 * The budget: what one answer may cost, in calls of the kernel and in bytes of
 * JavaScript's heap. Data, no measuring. test/counts/ holds the server to it,
 * `npm run profile` and `npm run bench:micro` print it beside what they see, and
 * docs/performance.md shows it.
 *
 * Whoever makes an answer cheaper lowers the number here; the test fails until then.
 */

const KEPT = { epoll_pwait: 1, epoll_wait: 1, recvfrom: 1, sendto: 1 }

/**
 * System calls of a worker that serves one client, who asks again when answered.
 * `[1, 2]`: as it happens. A request may come a moment after its connection, and
 * be waited for apart.
 *
 *     epoll_pwait   libuv's, in which the worker sleeps
 *     epoll_wait    ours, which tells whose bytes have come
 */
export const SYSTEM_CALLS = {
  hello: { what: 'hello by a rule', calls: KEPT },
  app: { what: 'hello by an app', calls: KEPT },
  json: { what: 'an app that answers JSON', calls: KEPT },
  pipelined: { what: 'sixteen requests sent together', calls: KEPT },
  '1k': { what: 'a file of 1 KB', calls: KEPT },
  '100k': {
    what: 'a file of 100 KB',
    calls: { ...KEPT, openat2: 1, fstat: 1, sendfile: 1, close: 1 },
  },
  once: {
    what: 'a connection for each request',
    calls: {
      epoll_pwait: [1, 2],
      epoll_wait: [1, 2],
      accept4: 1,
      epoll_ctl: 3, // the newcomer enters our epoll; the listener leaves libuv's and enters it anew
      recvfrom: 1,
      sendto: 1,
      close: 1,
    },
  },
}

/**
 * V8 and malloc take memory and give it back, whole pages and never for one
 * request: such calls are not told apart, and there may be so many a request.
 */
export const MEMORY_CALLS = ['brk', 'mmap', 'munmap', 'mremap', 'madvise', 'mprotect']
export const MEMORY_CALLS_MAX = 0.2

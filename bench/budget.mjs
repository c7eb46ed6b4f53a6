/**
 * The budget: what one answer may cost, in calls of the kernel and in bytes of
 * JavaScript's heap. Data, no measuring. test/counts/ holds the server to it,
 * `npm run profile` and `npm run bench:micro` print it beside what they see, and
 * docs/performance.md shows it.
 *
 * Whoever makes an answer cheaper lowers the number here; the test fails until then.
 */

const KEPT = { epoll_wait: 1, recvfrom: 1, sendto: 1 }
const BY_AN_APP = { ...KEPT, epoll_pwait: 1 }

/**
 * System calls of a worker that serves one client, who asks again when answered.
 * `[1, 2]`: as it happens. A request may come a moment after its connection, and
 * be waited for apart.
 *
 *     epoll_wait    ours, in which the worker sleeps
 *     epoll_pwait   libuv's, which only looks: Node's turn after an app's code has run
 */
export const SYSTEM_CALLS = {
  hello: { what: 'hello by a rule', calls: KEPT },
  app: { what: 'hello by an app', calls: BY_AN_APP },
  json: { what: 'an app that answers JSON', calls: BY_AN_APP },
  pipelined: { what: 'sixteen requests sent together', calls: KEPT },
  tls: { what: 'hello over TLS', calls: { epoll_wait: 1, read: 1, write: 1 } },
  '1k': { what: 'a file of 1 KB', calls: KEPT },
  '100k': {
    what: 'a file of 100 KB',
    calls: { ...KEPT, openat2: 1, fstat: 1, sendfile: 1, close: 1 },
  },
  once: {
    what: 'a connection for each request',
    calls: {
      epoll_wait: [1, 2],
      accept4: 1,
      epoll_ctl: 1, // the newcomer enters the epoll; among several workers, the listener leaves it and enters it anew
      recvfrom: 1,
      sendto: 1,
      shutdown: 1, // the answer waits for the FIN, and both leave in one packet
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

/**
 * Bytes of JavaScript's heap that one request costs, in code that V8 has compiled, by
 * Node's major version: each has a V8 of its own, which leaves out other objects. From
 * the parts (bench/micro/operations.mjs) to the whole of it, without the kernel.
 */
export const HEAP_BYTES = {
  'parse-small': { 20: 395, 22: 390, 24: 385, 26: 385 },
  'parse-browser': { 20: 1190, 22: 1175, 24: 1175, 26: 1175 },
  'parse-pipelined': { 20: 390, 22: 385, 24: 385, 26: 385 },
  router: { 20: 0, 22: 0, 24: 0, 26: 0 },
  'router-app': { 20: 1020, 22: 900, 24: 950, 26: 955 },
  'response-head': { 20: 755, 22: 610, 24: 755, 26: 755 },
  request: { 20: 250, 22: 245, 24: 240, 26: 240 },
  hello: { 20: 615, 22: 580, 24: 550, 26: 535 },
  'hello-browser': { 20: 1405, 22: 1370, 24: 1340, 26: 1320 },
  pipelined: { 20: 555, 22: 535, 24: 540, 26: 540 },
  app: { 20: 1660, 22: 1690, 24: 1670, 26: 1650 },
  json: { 20: 1670, 22: 1550, 24: 1560, 26: 1560 },
}
/** V8 decides anew in each process what it compiles, and with what: Node 20’s figures vary by some percent. */
export const HEAP_MARGIN = 1.1

/** For the Node that runs; one that is not in the table may use as much as any that is. */
export function heapBytesMax(name, major = Number(process.versions.node.split('.')[0])) {
  const known = HEAP_BYTES[name]
  return known[major] ?? Math.max(...Object.values(known))
}

/** Foreign functions called for one request, each of which costs more than a hundred objects. */
export const FOREIGN_CALLS = {
  hello: {},
  json: {},
  'hello-socket': { epoll_wait: 1, recv: 1, send: 1 },
  'json-socket': { epoll_wait: 1, recv: 1, send: 1 },
}

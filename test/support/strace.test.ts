import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callsIn } from './strace.ts'

const SAID = `strace: Process 7 attached with 2 threads
[pid     8] futex(0x7f00, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>
[pid     7] epoll_wait(17, [{events=EPOLLIN, data=0x9}], 256, 500) = 1
[pid     7] recvfrom(9,  <unfinished ...>
[pid     8] <... futex resumed>)        = -1 EAGAIN (Resource temporarily unavailable)
[pid     8] close(3)                    = 0
[pid     7] <... recvfrom resumed>"GET /a) = 1", 16384, 0, NULL, NULL) = 11
[pid     7] sendto(9, "HTTP/1.1 200", 12, MSG_NOSIGNAL, NULL, 0strace: Process 7 detached
 <detached ...>
strace: Process 8 detached
`

test('calls of several threads, those that another cut in two, and the last', () => {
  const calls = callsIn(SAID)
  assert.deepEqual(calls, [
    {
      name: 'futex',
      args: '0x7f00, FUTEX_WAIT_PRIVATE, 0, NULL',
      result: '-1 EAGAIN (Resource temporarily unavailable)',
    },
    { name: 'epoll_wait', args: '17, [{events=EPOLLIN, data=0x9}], 256, 500', result: '1' },
    { name: 'recvfrom', args: '9, "GET /a) = 1", 16384, 0, NULL, NULL', result: '11' },
    { name: 'close', args: '3', result: '0' },
    { name: 'sendto', args: '9, "HTTP/1.1 200", 12, MSG_NOSIGNAL, NULL, 0', result: '?' },
  ])
})

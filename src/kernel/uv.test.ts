import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { AF_UNIX, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLEXCLUSIVE, EPOLLIN, SOCK_STREAM } from './constants.ts'
import { epoll_ctl } from './epoll.ts'
import { close } from './fd.ts'
import { bindRaw } from './libc.ts'
import { memoryOf } from './memory.ts'
import { recv, send, socketpair } from './socket.ts'
import { uv_backend_fd, WakeFlag } from './uv.ts'

const fixture = join(import.meta.dirname, '../../test/fixtures/kernel-wake.js')

test('a readable descriptor wakes Node’s event loop, which sleeps until then', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fixture], { encoding: 'utf8', timeout: 60_000 })
  assert.equal(stderr, '')
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'word 1',
    'a look that throws does not end the looking',
    'word 2',
    'slept',
  ])
  assert.equal(status, 0)
})

test('the number we have for a poll handle is libuv’s', () => {
  const UV_POLL = 8
  const name: unknown = bindRaw('uv_handle_type_name', 'str', ['int'])(UV_POLL)
  assert.equal(name, 'poll')
})

/** Lets Node's loop poll: one immediate may follow a poll that was earlier, the one after it follows the next. */
async function poll(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve))
}

for (const [name, events] of Object.entries({ EPOLLIN, 'EPOLLIN | EPOLLEXCLUSIVE': EPOLLIN | EPOLLEXCLUSIVE })) {
  test(`an event in libuv’s own epoll raises the flag whose number it bears: ${name}`, async (t) => {
    const flags = [new WakeFlag(), new WakeFlag()]
    const taken = () => flags.map((flag) => flag.take())
    const [near, far] = socketpair(AF_UNIX, SOCK_STREAM)
    t.after(() => [near, far].forEach(close))
    epoll_ctl(uv_backend_fd(), EPOLL_CTL_ADD, near, events, flags[1]!.fd)
    await poll()
    assert.deepEqual(taken(), [false, false], 'nothing has happened')

    const memory = memoryOf(Buffer.from('word'))
    send(far, memory, 0, 4)
    await poll()
    assert.deepEqual(taken(), [false, true])
    assert.deepEqual(taken(), [false, false], 'taken once')
    await poll()
    assert.deepEqual(taken(), [false, true], 'and again, while the word lies there')

    recv(near, memory, 0, 4)
    await poll()
    assert.deepEqual(taken(), [false, false], 'read, it lies there no more')

    epoll_ctl(uv_backend_fd(), EPOLL_CTL_DEL, near, 0)
    send(far, memory, 0, 4)
    await poll()
    assert.deepEqual(taken(), [false, false], 'dropped')
  })
}

test('the hang-up of what is watched raises the flag, too', async (t) => {
  const flag = new WakeFlag()
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM)
  t.after(() => close(near))
  epoll_ctl(uv_backend_fd(), EPOLL_CTL_ADD, near, EPOLLIN, flag.fd)
  close(far)
  await poll()
  assert.equal(flag.take(), true)
  epoll_ctl(uv_backend_fd(), EPOLL_CTL_DEL, near, 0)
})

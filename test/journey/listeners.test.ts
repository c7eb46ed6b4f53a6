/** Several listeners at once, of every kind, and what is asked of the kernel for each. */
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  AF_INET,
  IPPROTO_TCP,
  SOCK_STREAM,
  TCP_DEFER_ACCEPT,
  TCP_FASTOPEN,
  TCP_NODELAY,
} from '../../src/kernel/constants.ts'
import { close, type Fd } from '../../src/kernel/fd.ts'
import { socketAddress } from '../../src/kernel/sockaddr.ts'
import { bind, getsockopt, listen, socket } from '../../src/kernel/socket.ts'
import { CONTROLLED, statusOf, statusWhen } from '../support/control.ts'
import { answerAt, connectTo } from '../support/places.ts'
import { PREFORK, runPrefork, type Server, startServer } from '../support/server.ts'

const APP = `export default (request) => new Response(request.url)`
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
const skip = !hasIPv6 && 'this machine has no IPv6 loopback'

/** The ports of its listeners, in their order; 0 of a Unix socket. */
async function portsOf(t: TestContext, server: Server): Promise<number[]> {
  const { listeners } = await statusOf(t, server)
  return listeners.map(({ address }) => (address.startsWith('unix:') ? 0 : Number(/:(\d+)$/.exec(address)![1])))
}

const WAYS = [
  ['--accept', 'shared'],
  ['--accept', 'reuseport'],
  ['--accept', 'parent'],
  ['--model', 'prefork'],
  ['--model', 'fork'],
]
for (const way of WAYS) {
  test(`${way.join(' ')}: IPv4, IPv6 and a Unix socket, each answered as what it is`, { skip }, async (t) => {
    const listeners = ['127.0.0.1:0', '[::1]:0', 'unix:site.sock', '127.0.0.1:0'].flatMap((it) => ['--listen', it])
    const args = [...way, ...listeners, '--workers', '2', ...CONTROLLED, 'app.mjs']
    const server = await startServer(t, { args, anyPort: false, files: { 'app.mjs': APP } })
    const [first, second, , last] = await portsOf(t, server)
    const path = join(server.cwd, 'site.sock')
    for (let i = 0; i < 4; i++) {
      assert.equal(await answerAt(t, { host: '127.0.0.1', port: first! }), `http://127.0.0.1:${first}/`)
      assert.equal(await answerAt(t, { host: '::1', port: second! }), `http://[::1]:${second}/`)
      assert.equal(await answerAt(t, { path }), 'http://localhost/')
      assert.equal(await answerAt(t, { host: '127.0.0.1', port: last! }), `http://127.0.0.1:${last}/`)
    }
    assert.equal(server.program.stdout.filter((line) => line.startsWith('Server listening on ')).length, 4)
    await server.stop()
    assert.equal(existsSync(path), false)
  })
}

test('a Unix socket has the mode that was asked for; of two servers one has it', async (t) => {
  const config = `export default { listen: { path: 'site.sock', mode: 0o620 } }`
  const options = { anyPort: false, files: { 'prefork.config.mjs': config }, args: ['--workers', '1'] }
  const server = await startServer(t, options)
  const path = join(server.cwd, 'site.sock')
  assert.equal(statSync(path).mode & 0o777, 0o620)
  const { code, stderr } = await runPrefork(t, { args: ['--workers', '1', '--listen', `unix:${path}`] })
  assert.equal(code, 1)
  assert.match(stderr[0]!, /^prefork: cannot listen on unix:\S+: somebody answers on it\. Stop that server/)
  assert.match(await answerAt(t, { path }), /Hello, World!/)
})

test('a Unix socket left by a server that was killed is replaced', async (t) => {
  const start = (cwd?: string) =>
    startServer(t, {
      args: ['--listen', 'unix:site.sock', '--workers', '1'],
      anyPort: false,
      log: [/the supervisor is gone/],
      ...(cwd !== undefined && { cwd }),
    })
  const killed = await start()
  process.kill(killed.pid, 'SIGKILL')
  await killed.ended({ signal: 'SIGKILL' })
  const path = join(killed.cwd, 'site.sock')
  assert.ok(existsSync(path))
  await start(killed.cwd)
  assert.match(await answerAt(t, { path }), /Hello, World!/)
})

for (const ipv6Only of [true, false]) {
  test(`:: with socket.ipv6Only ${ipv6Only}: ${ipv6Only ? 'IPv6 alone' : 'IPv4, too'}`, { skip }, async (t) => {
    const config = `export default { listen: '[::]:0', workers: 1, socket: { ipv6Only: ${ipv6Only} } }`
    const files = { 'prefork.config.mjs': config }
    const server = await startServer(t, { args: [...CONTROLLED], anyPort: false, files })
    const [port] = await portsOf(t, server)
    assert.match(await answerAt(t, { host: '::1', port: port! }), /Hello, World!/)
    const byIPv4 = answerAt(t, { host: '127.0.0.1', port: port! })
    if (ipv6Only) await assert.rejects(byIPv4, /ECONNREFUSED/)
    else assert.match(await byIPv4, /Hello, World!/)
  })
}

test('deferAcceptSeconds: who connects and says nothing is nobody’s yet', async (t) => {
  const start = (deferAcceptSeconds: number) => {
    const files = {
      'prefork.config.mjs': `export default { workers: 1, socket: { deferAcceptSeconds: ${deferAcceptSeconds} } }`,
    }
    return startServer(t, { files, args: [...CONTROLLED] })
  }
  const [at, deferring] = [await start(0), await start(30)]
  await connectTo(t, { host: '127.0.0.1', port: at.port })
  await statusWhen(t, at, ({ totals }) => totals.accepted === 1)
  const silent = await connectTo(t, { host: '127.0.0.1', port: deferring.port })
  assert.match(await answerAt(t, { host: '127.0.0.1', port: deferring.port }), /Hello, World!/)
  assert.equal((await statusOf(t, deferring)).totals.accepted, 1) // the other one, which came later
  silent.send('GET / HTTP/1.0\r\n\r\n')
  assert.equal((await silent.response()).status, 200)
})

test('the options are the socket’s own, as the kernel says', async (t) => {
  const ours = socket(AF_INET, SOCK_STREAM)
  t.after(() => close(ours))
  bind(ours, socketAddress('127.0.0.1'))
  listen(ours, 8)
  const asked = { noDelay: false, deferAcceptSeconds: 7, fastOpenQueue: 21 }
  const files = { 'prefork.config.mjs': `export default { workers: 1, socket: ${JSON.stringify(asked)} }` }
  // A copy of ours, which the server takes as a service manager's: what it sets, we read.
  const command = ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh', process.execPath, PREFORK]
  await startServer(t, { command, files, anyPort: false, fds: [ours], env: { LISTEN_FDS: '1' } })
  const read = (option: number) => getsockopt(ours as Fd, IPPROTO_TCP, option)
  assert.equal(read(TCP_NODELAY), 0)
  assert.ok(read(TCP_DEFER_ACCEPT) >= 7) // in whole retransmissions
  assert.equal(read(TCP_FASTOPEN), 21)
})

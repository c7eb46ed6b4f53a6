/** What an app must not leave behind while it loads, and is warned of by name; it is served all the same. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ask } from '../support/raw.ts'
import { folderOf, type Server, startServer } from '../support/server.ts'
import { appOptions } from '../support/tree.ts'

const APP = "export default () => new Response('answer')"

const WARNED: Readonly<Record<string, readonly [string, RegExp]>> = {
  'a server': [
    "import { createServer } from 'node:http'\nawait new Promise((resolve) => createServer().listen(0, '127.0.0.1', resolve))",
    /: the app opened a socket while loading \(TCPServerWrap\); every worker would share it\. Open it in the first request instead\.$/,
  ],
  'a connection': [
    `import { connect } from 'node:net'
     await new Promise((resolve) => connect(process.env.PORT_ELSEWHERE, '127.0.0.1', resolve))`,
    /: the app opened a socket while loading \(TCPSocketWrap\); /,
  ],
  'a UDP socket': [
    "import { createSocket } from 'node:dgram'\nawait new Promise((resolve) => createSocket('udp4').bind(0, '127.0.0.1', resolve))",
    /: the app opened a socket while loading \(UDPWrap\); /,
  ],
  'a thread': [
    `import { Worker } from 'node:worker_threads'
     const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
     await new Promise((resolve) => worker.once('online', resolve))
     worker.unref()`,
    /: the app started threads while loading \([^,)]+\); workers are forked without them\. Start them in the first request, or use --spawn exec\.$/,
  ],
  'a file that never opens': [
    "import { open } from 'node:fs'\nopen('pipe', 'r', () => {})",
    /: the app left FSReqCallback unfinished while loading; a forked worker will never see its end\. /,
  ],
  'a promise of one': [
    "import { open } from 'node:fs/promises'\nopen('pipe', 'r')",
    /: the app left FSReqPromise unfinished while loading; /,
  ],
}

async function start(t: TestContext, first: string, spawn: 'fork' | 'exec'): Promise<Server> {
  const cwd = folderOf(t)
  spawnSync('mkfifo', [join(cwd, 'pipe')]) // opening one end waits for the other
  const elsewhere = createServer().listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
  t.after(() => elsewhere.close())
  const env = { PORT_ELSEWHERE: String((elsewhere.address() as AddressInfo).port) }
  return startServer(t, { ...appOptions(`${first}\n${APP}`, { spawn, workers: 1 }), cwd, env })
}

for (const [name, [first, warning]] of Object.entries(WARNED)) {
  test(`${name} left behind is warned of`, async (t) => {
    const server = await start(t, first, 'fork')
    await server.waitForLog(/ warn preloader /)
    const lines = server.log
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(lines[0]!, warning)
    assert.equal(await ask(server.port, '/'), 'answer')
  })
}

test('by exec nothing of it matters', async (t) => {
  const server = await start(t, WARNED['a server']![0], 'exec')
  assert.equal(await ask(server.port, '/'), 'answer')
})

const ENDED = `
import { readFile } from 'node:fs/promises'
import { readFile as later, readFileSync } from 'node:fs'
import { lookup } from 'node:dns'
import { createServer } from 'node:http'
import { gzip } from 'node:zlib'
import { pbkdf2 } from 'node:crypto'
import { exec } from 'node:child_process'
import { Worker } from 'node:worker_threads'
// Begun and not waited for: it ends within moments.
readFile('app.mjs'); later('app.mjs', () => {}); lookup('localhost', () => {}); gzip('x', () => {}); pbkdf2('a', 'b', 1, 8, 'sha256', () => {})
// Opened and closed again.
const server = createServer()
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
await fetch('http://127.0.0.1:' + server.address().port, { signal: AbortSignal.timeout(1) }).catch(() => {})
await new Promise((resolve) => { server.close(resolve); server.closeAllConnections() })
await new Promise((resolve) => exec('true', resolve))
const worker = new Worker('0', { eval: true })
await new Promise((resolve) => worker.once('exit', resolve))
setInterval(() => {}, 1000)
`

test('what has ended by itself is not', async (t) => {
  const server = await start(t, ENDED, 'fork')
  assert.equal(await ask(server.port, '/'), 'answer')
  assert.deepEqual(server.log, [])
})

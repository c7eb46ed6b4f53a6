/** Whatever Node can do, a handler in a forked worker can wait for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../support/raw.ts'
import { SPAWNS, startApp } from '../support/tree.ts'

const APP = `
import { exec } from 'node:child_process'
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { createSocket } from 'node:dgram'
import { pbkdf2, generateKeyPair, randomUUID } from 'node:crypto'
import { setTimeout as sleep, setImmediate as soon } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip, gunzip } from 'node:zlib'
import { Worker } from 'node:worker_threads'
import { pipeline } from 'node:stream/promises'
import { watch } from 'node:fs'

const ADD = new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11])

const CAN = {
  timers: async () => { await sleep(5); await soon(); return 'slept' },
  interval: () => new Promise((resolve) => { let n = 0; const i = setInterval(() => { if (++n === 3) { clearInterval(i); resolve(n) } }, 2) }),
  nextTick: () => new Promise((resolve) => process.nextTick(() => queueMicrotask(() => resolve('ticked')))),
  'fetch itself': async (url) => (await fetch(url)).text(),
  'fetch another': async () => {
    const server = createServer((_, response) => response.end('other'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const text = await (await fetch('http://127.0.0.1:' + server.address().port)).text()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    return text
  },
  'node:http': async (url) => {
    const [response] = await once(get(url, { agent: false }), 'response')
    response.setEncoding('utf8')
    return (await response.toArray()).join('')
  },
  'node:net': async () => {
    const server = createTcpServer((socket) => socket.end('tcp'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const socket = connect(server.address())
    const text = (await socket.toArray()).join('')
    server.close()
    return text
  },
  'node:dgram': async () => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.send('udp', socket.address().port, '127.0.0.1')
    const [message] = await once(socket, 'message')
    socket.close()
    return String(message)
  },
  files: async () => { const name = 'note-' + randomUUID(); await writeFile(name, 'noted'); return readFile(name, 'utf8') },
  'a watched file': async () => {
    const watcher = watch('.')
    const seen = once(watcher, 'change')
    await writeFile('watched-' + process.pid, '')
    await seen
    watcher.close()
    return 'seen'
  },
  'a child process': async () => (await promisify(exec)('echo from a child')).stdout.trim(),
  'a forked node': async () => (await promisify(exec)(process.execPath + ' -p 6*7')).stdout.trim(),
  dns: async () => (await lookup('localhost', 4)).address,
  'a worker thread': async () => {
    // It waits for more until it is told to end. (On Node 20 one that ended by itself would wait for V8's threads.)
    const worker = new Worker('const { parentPort: port } = require("node:worker_threads"); port.on("message", (n) => port.postMessage(6 * n))', { eval: true })
    worker.postMessage(7)
    const [answer] = await once(worker, 'message')
    await worker.terminate()
    return answer
  },
  WebAssembly: async () => (await WebAssembly.instantiate(ADD)).instance.exports.add(40, 2),
  'import()': async () => (await import('./lazy.mjs')).default,
  zlib: async () => String(await promisify(gunzip)(await promisify(gzip)('zipped'))),
  crypto: async () => (await promisify(pbkdf2)('a', 'b', 10, 8, 'sha256')).length,
  'a key pair': async () => (await promisify(generateKeyPair)('ed25519')).publicKey.type,
  WebCrypto: async () => (await crypto.subtle.digest('SHA-256', new Uint8Array(3))).byteLength,
  streams: async () => { const out = []; await pipeline(ReadableStream.from(['a', 'b']), async (s) => { for await (const x of s) out.push(x) }); return out.join('') },
  'an abort': async () => { try { await sleep(60_000, null, { signal: AbortSignal.timeout(5) }) } catch (error) { return error.name } },
  'a finalized promise': async () => { let done = 0; await Promise.allSettled([Promise.reject(1).finally(() => done++), sleep(1).finally(() => done++)]); return done },
}

export default async (request) => {
  const { pathname, search } = new URL(request.url)
  const name = decodeURIComponent(pathname.slice(1))
  const self = 'http://127.0.0.1:' + search.slice(1) + '/timers'
  return new Response(name === '' ? JSON.stringify(Object.keys(CAN)) : String(await CAN[name](self)))
}
`

const WANTED: Readonly<Record<string, string>> = {
  timers: 'slept',
  interval: '3',
  nextTick: 'ticked',
  'fetch itself': 'slept',
  'fetch another': 'other',
  'node:http': 'slept',
  'node:net': 'tcp',
  'node:dgram': 'udp',
  files: 'noted',
  'a watched file': 'seen',
  'a child process': 'from a child',
  'a forked node': '42',
  dns: '127.0.0.1',
  'a worker thread': '42',
  WebAssembly: '42',
  'import()': 'imported late',
  zlib: 'zipped',
  crypto: '8',
  'a key pair': 'public',
  WebCrypto: '32',
  streams: 'ab',
  'an abort': 'AbortError',
  'a finalized promise': '2',
}

/** What it waited for. It is told the port, to ask the server that it is in. */
function waitFor(port: number, name: string): Promise<string> {
  return ask(port, `/${encodeURIComponent(name)}?${port}`)
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, a handler can wait for`, async (t) => {
    const files = { 'lazy.mjs': "export default 'imported late'" }
    const server = await startApp(t, APP, { spawn, workers: 1, files })
    const [pid] = server.workers()
    assert.deepEqual(JSON.parse(await ask(server.port, '/')), Object.keys(WANTED))
    for (const [name, wanted] of Object.entries(WANTED)) {
      await t.test(name, async () => assert.equal(await waitFor(server.port, name), wanted))
    }
    // All at once, twice: nothing of it stands in another's way.
    const all = [...Object.entries(WANTED), ...Object.entries(WANTED)].filter(([name]) => name !== 'a watched file')
    const answers = await Promise.all(all.map(([name]) => waitFor(server.port, name)))
    assert.deepEqual(
      answers,
      all.map(([, wanted]) => wanted),
    )
    assert.deepEqual(server.workers(), [pid], 'the worker has been replaced')
  })
}

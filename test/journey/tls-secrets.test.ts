/** Keys, passphrases and ticket keys: whatever happens to a server, none of it is told of them; and what a worker's memory still holds. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { KEY_NAME_BYTES, KEYS, SECRET_BYTES } from '../../src/ticket-keys.ts'
import { CONTROLLED, controlOf, tell } from '../support/control.ts'
import { say } from '../support/curl.ts'
import { openIn } from '../support/descriptors.ts'
import { workerOf } from '../support/journey.ts'
import { findInMemory } from '../support/memory-scan.ts'
import { withNobody } from '../support/nobody.ts'
import { type Program, startProgram, waitUntil } from '../support/program.ts'
import { connectAndSend, request } from '../support/raw.ts'
import {
  addFiles,
  folderOf,
  type Outcome,
  PREFORK,
  runPrefork,
  type Server,
  startServer,
  undoAfter,
} from '../support/server.ts'
import { clientPair, connectTls, heldBy, overTls } from '../support/tls.ts'
import { bearAnew, replaced, SPAWNS, workersReady } from '../support/tree.ts'

const PASSPHRASE = 'correct horse battery staple'

/** The private key of what `overTls` serves with, encrypted. */
const key = createPrivateKey(overTls().files['key.pem'])
const encrypted = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE }) as string
const plain = key.export({ type: 'pkcs8', format: 'pem' }) as string
/** The number that is the secret itself. */
const scalar = Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url')

/** Lines that are long enough not to be there by chance. */
const bodyOf = (pem: string) => pem.split('\n').filter((line) => line.length >= 16 && !line.startsWith('-----'))

const APP = `
import { readdirSync, readFileSync } from 'node:fs'
export default (request) => {
  const [, what, ...path] = new URL(request.url).pathname.split('/')
  if (what === 'throw') setImmediate(() => { throw new Error('nobody catches this') })
  if (what === 'list') return attempt(() => readdirSync('/' + path.join('/')).join())
  if (what === 'read') return attempt(() => readFileSync('/' + path.join('/')))
  return new Response('answer')
}
function attempt(act) {
  try { return new Response(act()) } catch (error) { return new Response(error.code) }
}`

async function start(
  t: TestContext,
  config: object,
  args: readonly string[] = [],
  cwd: string = folderOf(t),
): Promise<Server> {
  const {
    files,
    anyPort,
    config: all,
  } = overTls({
    tls: { keyPassphraseFile: './passphrase' },
    config: { workers: 1, target: './app.mjs', ...config },
    files: { 'key.pem': encrypted, passphrase: `${PASSPHRASE}\n`, 'app.mjs': APP },
  })
  const server = await startServer(t, {
    anyPort,
    cwd,
    args: [...CONTROLLED, ...args],
    files: { ...files, 'prefork.config.mjs': `export default ${JSON.stringify(all)}\n` },
    log: [/./], // all of it is looked at here
  })
  await workersReady(server, 1)
  return server
}

/** The secrets of the keys that the supervisor holds; a key's name travels with each ticket. */
function ticketSecretsOf(server: Server): Buffer[] {
  const keys = readFileSync(heldBy(server, 'prefork-ticket-keys'))
  const each = KEY_NAME_BYTES + 2 * SECRET_BYTES
  const places = Array.from({ length: KEYS }, (_, i) => keys.length - (i + 1) * each + KEY_NAME_BYTES)
  return places.flatMap((at) => [0, SECRET_BYTES].map((more) => keys.subarray(at + more, at + more + SECRET_BYTES)))
}

const isOfTexts = (target: string) => target.startsWith('/memfd:prefork-tls-texts')

const inAnyDress = (bytes: Buffer) =>
  (['latin1', 'hex', 'base64', 'base64url'] as const).map((dress) => bytes.toString(dress).replace(/=+$/, ''))

const toldBy = ({ stdout, stderr }: Outcome | Program) => [...stdout, ...stderr].join('\n')

/** The one worker, once that one is gone. */
async function endsBy(server: Server, act: (worker: number) => unknown): Promise<void> {
  const worker = workerOf(server)
  await act(worker)
  await replaced(server, worker, 1)
}

async function visit(t: TestContext, server: Server, path: string, options: object = {}): Promise<string> {
  const client = await connectTls(t, server.port, options)
  client.send(request(`GET ${path}`))
  const { status, body } = await client.response()
  assert.equal(status, 200)
  client.leave()
  return body.toString()
}

/** All that an operator, or somebody who found the page, can ask for. */
async function askEverything(t: TestContext, server: Server): Promise<string[]> {
  const told: string[] = []
  for (const words of [['status'], ['status', '--json']]) told.push(toldBy(await tell(t, server, ...words)))
  told.push(toldBy(await runPrefork(t, { cwd: server.cwd, args: ['check'] })))
  const page = /http:\S+(?=\/$)/.exec(await server.waitForLog(/: tells of itself at /))![0]
  for (const path of ['/', '/metrics', '/connections.json']) told.push(await (await fetch(page + path)).text())
  const events = await fetch(`${page}/events`)
  for await (const piece of events.body!) {
    told.push(Buffer.from(piece).toString())
    if (told.at(-1)!.includes('event: status')) break
  }
  return told
}

/** Files that cannot be used, each made of the secrets in some way. */
const BROKEN: readonly Readonly<Record<string, string>>[] = [
  { 'key.pem': encrypted.replace(/\n.+\n-----END/, '\n-----END') },
  { 'key.pem': plain.replace('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY') },
  { 'key.pem': bodyOf(plain).join('\n') },
  { 'key.pem': clientPair('another').key },
  { 'cert.pem': plain },
  { passphrase: `${PASSPHRASE}!\n` },
  { passphrase: '' },
]

test('whatever happens, no secret is told', async (t) => {
  const server = await start(t, { accessLog: 'access.log', accessLogFormat: 'json' }, [
    ...['--admin', '127.0.0.1:0', '--log-level', 'debug'],
  ])
  const ticketSecrets = ticketSecretsOf(server)
  assert.equal(new Set(ticketSecrets.map(String)).size, 2 * KEYS)
  const trace = startProgram(t, [PREFORK, 'trace', '--json', '--control', controlOf(server)], { cwd: server.cwd })
  undoAfter(t, () => trace.stop('SIGINT'))
  await waitUntil(() => trace.stderr.some((line) => line.startsWith('watching pid ')), 'it watches')

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) await visit(t, server, '/', { maxVersion })
  const refused = await connectTls(t, server.port)
  refused.send('nonsense\r\n\r\n')
  assert.equal((await refused.response()).status, 400)
  await assert.rejects(connectTls(t, server.port, { ca: clientPair('nobody', null).cert }))
  assert.match(await say(server.port, request('GET /')), /This port speaks HTTPS/)
  await (await connectAndSend(t, server.port, Buffer.from('160301000501000001ff', 'hex'))).ended()

  await endsBy(server, () => visit(t, server, '/throw'))
  await endsBy(server, (worker) => process.kill(worker, 'SIGABRT'))
  await endsBy(server, (worker) => process.kill(worker, 'SIGSEGV'))
  const told = await askEverything(t, server)
  const good = { 'key.pem': encrypted, 'cert.pem': overTls().files['cert.pem'], passphrase: `${PASSPHRASE}\n` }
  for (const files of BROKEN) {
    addFiles(server.cwd, { ...good, ...files })
    for (const asked of [tell(t, server, 'reload'), runPrefork(t, { cwd: server.cwd, args: ['check'] })]) {
      const outcome = await asked
      assert.equal(outcome.code, 1, Object.keys(files).join())
      told.push(toldBy(outcome))
    }
  }
  await visit(t, server, '/last')
  await waitUntil(() => trace.stdout.some((line) => line.includes('/last')), 'it is traced')
  told.push(toldBy(await server.stop()), toldBy(trace), readFileSync(join(server.cwd, 'access.log'), 'latin1'))

  const all = told.join('\n')
  for (const sign of [' debug ', 'nobody catches this', 'SIGABRT', 'SIGSEGV', '/last', 'prefork_', 'the reload failed'])
    assert.ok(all.includes(sign), `nothing was told of ${sign}`)
  const secrets = [
    PASSPHRASE,
    ...bodyOf(encrypted),
    ...bodyOf(plain),
    ...[scalar, ...ticketSecrets].flatMap(inAnyDress),
  ]
  for (const secret of secrets) assert.equal(all.split(secret)[1], undefined, 'a secret was told')
})

for (const spawn of SPAWNS) {
  test(`by ${spawn}, a worker's memory has the key as OpenSSL holds it, and none of the text it was read from`, async (t) => {
    const server = await start(t, { spawn })
    const texts = [PASSPHRASE, ...bodyOf(encrypted), ...bodyOf(plain)]
    const wanted = Object.fromEntries(
      texts.flatMap((text, i) => [
        [`text ${i}`, Buffer.from(text)],
        [`text ${i}, two bytes a letter`, Buffer.from(text, 'utf16le')],
      ]),
    )
    /** A number of OpenSSL's (BIGNUM): of 64-bit words, the lowest first. */
    const number = Buffer.from(scalar).reverse()
    const look = async () => {
      await visit(t, server, '/')
      for (const pid of [workerOf(server), ...server.preloaders()]) {
        assert.deepEqual(findInMemory(pid, { ...wanted, number }), ['number'])
        assert.deepEqual(openIn(pid).filter(isOfTexts), [], 'what it was read from is closed')
      }
      assert.deepEqual(findInMemory(server.pid, { ...wanted, number }), [], 'the supervisor reads no key')
    }
    await look()
    await bearAnew(server) // those read them elsewhere
    await look()
  })

  test(`by ${spawn}, an app that runs as another user gets at none of the texts`, withNobody, async (t) => {
    const cwd = folderOf(t)
    chmodSync(cwd, 0o755)
    const server = await start(t, { spawn, user: 'nobody' }, [], cwd)
    const texts = heldBy(server, 'prefork-tls-texts')
    assert.ok(readFileSync(texts).includes(PASSPHRASE), 'root may')
    for (let births = 0; births < 2; births++) {
      assert.equal(await visit(t, server, `/read${texts}`), 'EACCES')
      assert.equal(await visit(t, server, `/list/proc/${server.pid}/fd`), 'EACCES')
      for (const pid of [workerOf(server), ...server.preloaders()]) {
        assert.match(await visit(t, server, `/list/proc/${pid}/fd`), /^0,1,/)
        assert.deepEqual(openIn(pid).filter(isOfTexts), [])
      }
      await bearAnew(server)
    }
  })
}

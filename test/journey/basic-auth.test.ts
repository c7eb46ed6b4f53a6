/** Names and passwords, with hashes as other programs make them, asked for by curl. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import bcrypt from 'bcryptjs'
import { CONTROLLED, statusOf } from '../support/control.ts'
import { curl, run, unless } from '../support/curl.ts'
import { workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { addFiles, PREFORK, runPrefork, type Server, startServer } from '../support/server.ts'
import { SPAWNS } from '../support/tree.ts'

const withCurl = { skip: unless('curl') }

/** As operators make them. */
const SCRYPT = (await run(process.execPath, [PREFORK, 'hash-password'], 'open sesame\n')).toString().trim()
const BCRYPT = bcrypt.hashSync('비밀번호', 5).replace('$2b$', '$2y$')

const APP = `export default (request) => new Response('app ' + request.headers.get('authorization'))`

const CONFIG = {
  workers: 1,
  hosts: {
    '*': {
      basicAuth: { realm: 'staff', users: { alice: SCRYPT } },
      routes: [
        { path: '/open/*', respond: { status: 200, body: 'open' }, basicAuth: false },
        { path: '/file/*', respond: { status: 200, body: 'file' }, basicAuth: { usersFile: './htpasswd' } },
        { path: '/*', app: './app.mjs' },
      ],
    },
  },
}

const configFile = (config: object) => ({ 'prefork.config.mjs': `export default ${JSON.stringify(config)}` })
const files = { ...configFile(CONFIG), 'app.mjs': APP, htpasswd: `# made by htpasswd -B\nbob:${BCRYPT}\n` }

async function told(server: Server, path: string, user?: string): Promise<string> {
  const { status, text, fields } = await curl([...(user === undefined ? [] : ['-u', user]), `${server.url}${path}`])
  return status === 200 ? text : `${status} ${fields.get('www-authenticate') ?? ''}`
}

const ASKED = '401 Basic realm="staff", charset="UTF-8"'

for (const spawn of SPAWNS) {
  test(`by ${spawn}: who may come in, and who is asked`, withCurl, async (t) => {
    const server = await startServer(t, { files, args: ['--spawn', spawn] })
    assert.equal(await told(server, '/open/x'), 'open')
    assert.equal(await told(server, '/'), ASKED)
    assert.equal(await told(server, '/', 'alice:open sesam'), ASKED)
    assert.equal(await told(server, '/', 'bob:open sesame'), ASKED)
    for (let i = 0; i < 3; i++) {
      assert.equal(
        await told(server, '/', 'alice:open sesame'),
        `app Basic ${Buffer.from('alice:open sesame').toString('base64')}`,
      )
    }
    assert.equal(await told(server, '/file/x', 'bob:비밀번호'), 'file')
    assert.match(await told(server, '/file/x', 'bob:비밀번'), /^401 /)
    assert.match(await told(server, '/file/x', 'alice:open sesame'), /^401 /)
    for (const path of ['//x', '/open/../x', '/%6fpen%2f../x', '/open%2f..%2fx', '/x%2f..%2fopen/']) {
      const { status, text } = await curl(['--path-as-is', `${server.url}${path}`])
      assert.notEqual(text, 'open')
      assert.ok(status === 401 || status === 400, `${path} is answered ${status}`)
    }
  })
}

test('guessing costs processor time, and none of the event loop', withCurl, async (t) => {
  const users = { a: SCRYPT, b: bcrypt.hashSync('x', 4).replace('$04$', '$10$') } // another key, at a greater cost
  const guarded = { path: '/staff/*', respond: { status: 204 }, basicAuth: { users } }
  const config = { workers: 1, hosts: { '*': { routes: [guarded, { app: './app.mjs' }] } } }
  const server = await startServer(t, { files: { ...configFile(config), 'app.mjs': APP } })
  const pid = workerOf(server)
  const guess = async (user: string) => (await curl(['-u', user, `${server.url}/staff/`])).status
  await Promise.all(['a:0', 'b:0'].map(guess)) // the thread begins, which is work for the loop

  const before = { loop: cpuMs(pid, [pid]), all: cpuMs(pid) }
  const guesses = Array.from({ length: 12 }, (_, i) => guess(`${i % 2 === 0 ? 'a' : 'b'}:${i}`))
  assert.match(await told(server, '/'), /^app /)
  assert.deepEqual(new Set(await Promise.all(guesses)), new Set([401]))
  const [ofLoop, ofAll] = [cpuMs(pid, [pid]) - before.loop, cpuMs(pid) - before.all]
  t.diagnostic(`${ofLoop.toFixed(0)} of ${ofAll.toFixed(0)} ms were the event loop's`)
  assert.ok(ofAll > 200, 'hardly anything was computed')
  assert.ok(ofLoop < ofAll / 3)
})

/** Time on a processor of these threads of a process; of all when none are named. proc(5), schedstat. */
function cpuMs(pid: number, threads: readonly (number | string)[] = readdirSync(`/proc/${pid}/task`)): number {
  const nanoseconds = threads.map((tid) =>
    Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]),
  )
  return nanoseconds.reduce((sum, value) => sum + value, 0) / 1e6
}

test('a reload lets in who is new, and nobody who has gone', withCurl, async (t) => {
  const server = await startServer(t, { files, log: [/ info supervisor /] })
  assert.equal(await told(server, '/file/x', 'bob:비밀번호'), 'file')
  addFiles(server.cwd, { htpasswd: `carol:${BCRYPT}\n` })
  assert.equal(await told(server, '/file/x', 'bob:비밀번호'), 'file')
  server.signal('SIGHUP')
  await server.waitForLog(/generation 2 serves/)
  assert.match(await told(server, '/file/x', 'bob:비밀번호'), /^401 /)
  assert.equal(await told(server, '/file/x', 'carol:비밀번호'), 'file')
  addFiles(server.cwd, { htpasswd: 'carol:비밀번호\n' })
  server.signal('SIGHUP')
  const line = await server.waitForLog(/reload.*line 1 of '\.\/htpasswd' is neither an scrypt nor a bcrypt hash/)
  assert.ok(!line.includes('비밀번호'))
})

test('in the model fork, each connection is verified by its own process', withCurl, async (t) => {
  const server = await startServer(t, { files, args: ['--model', 'fork'] })
  assert.equal(await told(server, '/file/x', 'bob:비밀번호'), 'file')
  assert.match(await told(server, '/file/x', 'bob:x'), /^401 /)
  assert.match(await told(server, '/', 'alice:open sesame'), /^app /)
})

test('no hash is told anywhere', withCurl, async (t) => {
  const checked = await runPrefork(t, { args: ['check', '--port', '0'], files })
  assert.equal(checked.code, 0, checked.stderr.join('\n'))
  const server = await startServer(t, { files, args: ['--log-level', 'debug', ...CONTROLLED], log: [/./] })
  await told(server, '/', 'alice:open sesame')
  await told(server, '/file/x', 'bob:x')
  const shown = [...checked.stdout, JSON.stringify(await statusOf(t, server)), ...server.program.stdout]
  await server.stop()
  for (const text of [...shown, ...server.program.stderr]) {
    assert.doesNotMatch(text, /\$scrypt\$|\$2[aby]\$|open sesame|alice/)
  }
})

test('at a terminal, the password is asked for twice and not shown', { skip: unless('script') }, async (t) => {
  // script(1) gives it a terminal, and shows on stdout what that shows.
  const words = ['-qec', `${process.execPath} ${PREFORK} hash-password`, '/dev/null']
  const terminal = spawn('script', words, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => terminal.kill('SIGKILL'))
  let shown = ''
  terminal.stdout.on('data', (piece) => {
    shown += piece
  })
  await waitUntil(() => shown.includes('Password: '), 'it asks')
  terminal.stdin.write('open sesame\r')
  await waitUntil(() => shown.includes('Again: '), 'it asks again')
  terminal.stdin.write('open sesame\r')
  await waitUntil(() => terminal.exitCode !== null, 'it has ended')
  assert.match(shown, /^Password: \r\nAgain: \r\n\$scrypt\$ln=14,r=8,p=5\$\S+\r\n$/)
})

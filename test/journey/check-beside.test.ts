/** `prefork check` beside the server that runs: its addresses are well as they are, and everybody else's are not. */
import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { bindTo, canBind, LOOPBACK } from '../support/address.ts'
import { asNobody, withNobody } from '../support/nobody.ts'
import { addFiles, folderOf, runPrefork, type Server, startServer } from '../support/server.ts'

const HERE = `${LOOPBACK}:18080`
const CONFIG = {
  listen: [HERE, { path: './a.sock', mode: 0o600 }],
  control: './control.sock',
  admin: `${LOOPBACK}:19180`,
  workers: 1,
}

const configFile = (more: object) => ({
  'prefork.config.mjs': `export default ${JSON.stringify({ ...CONFIG, ...more })}\n`,
})

function start(t: TestContext, more: object = {}): Promise<Server> {
  return startServer(t, { files: configFile(more), anyPort: false, log: [/ info /] })
}

const run = (t: TestContext, { cwd }: Server, ...args: readonly string[]) => runPrefork(t, { cwd, args })

/** Beside the server, with such a configuration, it is refused: what it says. */
async function refused(t: TestContext, server: Server, more: object, ...args: readonly string[]): Promise<string> {
  addFiles(server.cwd, configFile(more))
  const { code, stdout, stderr } = await run(t, server, 'check', ...args)
  assert.deepEqual({ code, stdout }, { code: 1, stdout: [] })
  return stderr.join('\n')
}

for (const accept of ['shared', 'reuseport']) {
  test(`accept ${accept}: check finds all well beside its server, and the reload does`, async (t) => {
    const server = await start(t, { accept })
    addFiles(server.cwd, configFile({ accept, workers: 3, listen: [...CONFIG.listen, `${LOOPBACK}:18081`] }))
    const { code, stdout, stderr } = await run(t, server, 'check')
    assert.deepEqual({ code, stderr }, { code: 0, stderr: [] })
    const held = `held by the running server (pid ${server.pid})`
    assert.deepEqual(
      stdout.filter((line) => /^(address|admin|All)/.test(line)),
      [
        `address        ${HERE}, backlog 511, ${held}`,
        `address        unix:${server.cwd}/a.sock, mode 0600, backlog 511, ${held}`,
        `address        ${LOOPBACK}:18081, backlog 511`,
        `admin          ${LOOPBACK}:19180, backlog 64, ${held}, without a token`,
        'All is well: prefork reload would put it into effect.',
      ],
    )
    assert.equal((await run(t, server, 'reload')).code, 0)
    assert.equal(await canBind(LOOPBACK, 18_081), false)
  })
}

test('an address that somebody else has is refused by its name, also beside one of the server', async (t) => {
  const server = await start(t)
  const { port } = await bindTo(t, LOOPBACK, 0)
  assert.equal(
    await refused(t, server, { listen: [HERE, `${LOOPBACK}:${port}`] }),
    `prefork: cannot listen on ${LOOPBACK}:${port}: the port is taken. Choose another in listen, ` +
      `or see who has it: ss -ltnp 'sport = :${port}'`,
  )
  assert.match(await refused(t, server, { listen: `${LOOPBACK}:${port}` }), / with --port, or see who has it: .*$/)
  assert.match(await refused(t, server, { admin: `${LOOPBACK}:${port}` }), /the port is taken/)
})

test('an address that is taken by the server, and that a reload could not have, is refused', async (t) => {
  const server = await start(t)
  for (const listen of ['0.0.0.0:18080', [HERE, '0.0.0.0:18080'], CONFIG.admin])
    assert.match(await refused(t, server, { listen }), /cannot listen on \S+: the port is taken/)
})

test('another server than a reload would reach is somebody else', async (t) => {
  const server = await start(t)
  for (const control of ['./other.sock', 'off'])
    assert.match(await refused(t, server, { control, pidFile: './no.pid' }), /^[^\n]*the port is taken[^\n]*$/)
  assert.match(
    await refused(t, server, { listen: 'unix:./a.sock', admin: 'off' }, '--control', 'other.sock'),
    /somebody answers on it/,
  )
})

test('a server that a reload would have read something else is somebody else, who is told of', async (t) => {
  const server = await start(t)
  const elsewhere = folderOf(t)
  const control = `${server.cwd}/control.sock`
  addFiles(elsewhere, configFile({ control }))
  const { code, stderr } = await runPrefork(t, { cwd: elsewhere, args: ['check'] })
  assert.equal(code, 1)
  const how = `(pid ${server.pid}) was started otherwise, by 'prefork' in '${server.cwd}', and a reload goes by that`
  assert.match(stderr[0]!, /the port is taken/)
  assert.equal(stderr[1], `A server of yours that runs ${how}`)
  assert.match(await refused(t, server, {}, '--workers', '2'), /the port is taken.*\nA server of yours/)
})

test('of what a reload leaves as it was, check warns', async (t) => {
  const server = await start(t)
  for (const admin of [`${LOOPBACK}:19181`, 'off']) {
    addFiles(server.cwd, configFile({ admin }))
    const { code, stdout, stderr } = await run(t, server, 'check')
    const warning = 'admin has changed, and a reload leaves it as it was: upgrade the server (USR2) or start it anew'
    assert.deepEqual([code, stderr], [0, [`prefork: warning: ${warning}`]])
    assert.equal(stdout.at(-1), 'prefork reload would put it into effect, with a warning.')
  }
})

test('with whose rights it was checked is said where the server has others', withNobody, async (t) => {
  const cwd = folderOf(t)
  chmodSync(cwd, 0o777)
  const [program, ...args] = asNobody
  const files = configFile({ listen: HERE, admin: 'off' })
  const server = await startServer(t, { cwd, files, anyPort: false, command: [program, ...args], log: [/ info /] })
  const { code, stdout, stderr } = await run(t, server, 'check')
  assert.deepEqual([code, stdout.at(-1)], [0, 'All is well: prefork reload would put it into effect.'])
  assert.match(
    stderr.join(),
    /^prefork: checked as uid 0, while the server runs as uid \d+, which may not read or bind all that this user may$/,
  )
})

test('who may not ask the server is told so', withNobody, async (t) => {
  const server = await start(t)
  chmodSync(server.cwd, 0o755)
  const { code, stderr } = await runPrefork(t, { cwd: server.cwd, command: asNobody, args: ['check'] })
  assert.equal(code, 1)
  assert.match(
    stderr.join('\n'),
    /the port is taken.*\nWhether a running server of yours has it is not known: cannot reach a server at \S+control\.sock: permission denied; /,
  )
})

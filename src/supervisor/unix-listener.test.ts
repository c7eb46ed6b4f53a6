/**
 * Unix sockets: whose the file is, and what may be removed for it.
 */
import assert from 'node:assert/strict'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startProgram } from '../../test/support/program.ts'
import {
  AF_UNIX,
  LOCK_EX,
  LOCK_NB,
  O_CREAT,
  O_RDWR,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { flock, open } from '../kernel/file.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { bind, connect, getsockname, listen, socket } from '../kernel/socket.ts'
import { changeListeners, closeListener, type Listener, openListeners } from './listeners.ts'
import { acceptAll, closeAll, configOf, connectTo, folderOf, opened, unix } from './listening.test.support.ts'

const IS_ROOT = process.getuid!() === 0
const NOT_ROOT = !IS_ROOT && 'only root may give files away'

const configFor = (...listen: ReturnType<typeof unix>[]) => configOf({ listen })

function pathIn(t: TestContext): string {
  return join(folderOf(t), 'site.sock')
}

function modeOf(path: string): string {
  return (lstatSync(path).mode & 0o7777).toString(8)
}

/** A file as a server leaves it that was killed. */
function leaveDead(path: string): void {
  const fd = socket(AF_UNIX, SOCK_STREAM)
  bind(fd, socketAddress(path))
  listen(fd, 1)
  close(fd)
}

function boundTo(t: TestContext, path: string, type: number): Fd {
  const fd = socket(AF_UNIX, type)
  t.after(() => close(fd))
  bind(fd, socketAddress(path))
  return fd
}

/** Says so, and leaves the file as it was, and nothing beside it. */
function assertRefused(path: string, says: string | RegExp): void {
  const before = lstatSync(path)
  const message = typeof says === 'string' ? `cannot listen on unix:${path}: ${says}` : says
  assert.throws(() => openListeners(configFor(unix(path)), 1), { name: 'OperatorError', message })
  assert.equal(lstatSync(path).ino, before.ino)
  assert.deepEqual(readdirSync(join(path, '..')), ['site.sock'])
}

test('it answers at its path, under its own name', (t) => {
  const path = pathIn(t)
  const [listener] = opened(t, configFor(unix(path))) as [Listener]
  assert.equal(listener.authority, `unix:${path}`)
  assert.deepEqual(getsockname(listener.sockets[0]!), { family: 'Unix', path })
  connectTo(t, socketAddress(path))
  assert.equal(acceptAll(listener.sockets[0]!), 1)
})

test('the mode is as asked, whatever the umask', (t) => {
  const umask = process.umask(0o077)
  t.after(() => process.umask(umask))
  for (const mode of [0o666, 0o660, 0o600, 0o777]) {
    const path = pathIn(t)
    opened(t, configFor(unix(path, { mode })))
    assert.equal(modeOf(path), mode.toString(8))
  }
})

test('owner and group are as asked, by name or number', { skip: NOT_ROOT }, (t) => {
  for (const [owner, group, uid, gid] of [
    ['daemon', 'daemon', 1, 1],
    [2, '3', 2, 3],
    [null, 'daemon', 0, 1],
    ['daemon', null, 1, 0],
  ] as const) {
    const path = pathIn(t)
    opened(t, configFor(unix(path, { owner, group, mode: 0o660 })))
    const found = lstatSync(path)
    assert.deepEqual([found.uid, found.gid, modeOf(path)], [uid, gid, '660'])
  }
})

test('a reload changes mode and owner', { skip: NOT_ROOT }, (t) => {
  const path = pathIn(t)
  const before = openListeners(configFor(unix(path)), 1)
  const { listeners } = changeListeners(before, configFor(unix(path, { mode: 0o600, owner: 7 })), 1)
  t.after(() => closeAll(listeners))
  assert.deepEqual([modeOf(path), lstatSync(path).uid], ['600', 7])
})

test('whom this machine does not know', (t) => {
  const path = pathIn(t)
  const attempt = (more: object) => () => openListeners(configFor(unix(path, more)), 1)
  const says = (kind: string) =>
    `cannot listen on unix:${path}: this machine has no ${kind} 'no-such'. Give the name or number of another in listen`
  assert.throws(attempt({ owner: 'no-such' }), { name: 'OperatorError', message: says('user') })
  assert.throws(attempt({ group: 'no-such' }), { name: 'OperatorError', message: says('group') })
  assert.deepEqual(readdirSync(join(path, '..')), [])
})

test('what a dead server left is replaced', (t) => {
  const path = pathIn(t)
  leaveDead(path)
  const [listener] = opened(t, configFor(unix(path))) as [Listener]
  connectTo(t, socketAddress(path))
  assert.equal(acceptAll(listener.sockets[0]!), 1)
  assert.deepEqual(readdirSync(join(path, '..')), ['site.sock'])
})

const ANSWERED = /: somebody answers on it\. Stop that server, or choose another path in listen; .* ss -xlp src \//

test('a path on which a server answers is taken', (t) => {
  const path = pathIn(t)
  const [living] = opened(t, configFor(unix(path))) as [Listener]
  assertRefused(path, ANSWERED)
  assert.equal(acceptAll(living.sockets[0]!), 1, 'it was asked')
})

test('so is one whose server has no time to answer', (t) => {
  const path = pathIn(t)
  listen(boundTo(t, path, SOCK_STREAM), 0)
  const client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  t.after(() => close(client))
  connect(client, socketAddress(path)) // its queue is full
  assertRefused(path, ANSWERED)
})

test('so is one of another kind of server', (t) => {
  const path = pathIn(t)
  boundTo(t, path, SOCK_DGRAM)
  assertRefused(path, ANSWERED)
})

test('what is not a socket is left alone', (t) => {
  const says = 'the file there is not a socket. Remove it, or choose another path in listen'
  for (const make of [
    (path: string) => writeFileSync(path, 'precious'),
    (path: string) => mkdirSync(path),
    (path: string) => symlinkSync('nowhere', path),
  ]) {
    const path = pathIn(t)
    make(path)
    assertRefused(path, says)
  }
})

test('a link to a dead socket is no socket', (t) => {
  const path = pathIn(t)
  const dead = pathIn(t)
  leaveDead(dead)
  symlinkSync(dead, path)
  assertRefused(path, 'the file there is not a socket. Remove it, or choose another path in listen')
  assert.ok(lstatSync(dead).isSocket())
})

test('a directory that is not there, or is none', (t) => {
  const folder = folderOf(t)
  writeFileSync(join(folder, 'file'), '')
  const says = (path: string) => {
    let message = ''
    assert.throws(
      () => openListeners(configFor(unix(path)), 1),
      (error: Error) => {
        message = error.message
        return error.name === 'OperatorError'
      },
    )
    return message
  }
  assert.match(says(`${folder}/no/s`), /: there is no directory .*\/no\. Create it, or choose another path in listen$/)
  assert.match(says(`${folder}/file/s`), /: .*\/file is not a directory\. Choose another path in listen$/)
})

test('a directory, and a dead socket, of other users', { skip: NOT_ROOT }, (t) => {
  const folder = folderOf(t)
  const own = join(folder, 'own')
  mkdirSync(own)
  leaveDead(join(own, 's'))
  const attempt = (path: string) => () => openListeners(configFor(unix(path)), 1)
  const asNobody = (act: () => void) => {
    process.seteuid!(65_534)
    try {
      act()
    } finally {
      process.seteuid!(0)
    }
  }
  chmodSync(folder, 0o755)
  chmodSync(own, 0o1777)
  chmodSync(join(own, 's'), 0o600)
  const refused = (path: string, message: RegExp) => asNobody(() => assert.throws(attempt(path), { message }))
  refused(join(folder, 's'), /: permission denied in .*Make it writable/)
  refused(join(own, 's'), /: the socket there may not be connected to, /)
  chmodSync(join(own, 's'), 0o666)
  refused(join(own, 's'), /: the socket left there belongs to another user\./)
  asNobody(() => {
    const give = () => openListeners(configFor(unix(join(own, 't'), { owner: 0 })), 1)
    assert.throws(give, { message: /: only root may give it to others\./ })
  })
  assert.deepEqual(readdirSync(own), ['s'])
})

test('at the end the file goes, if it is still ours', (t) => {
  const path = pathIn(t)
  const openOne = () => openListeners(configFor(unix(path)), 1)[0]!
  closeListener(openOne())
  assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined)

  const listener = openOne()
  unlinkSync(path)
  writeFileSync(path, 'of somebody else')
  closeListener(listener)
  assert.ok(lstatSync(path).isFile())
  unlinkSync(path)

  const moved = openOne()
  renameSync(path, `${path}.old`)
  closeListener(moved)
  assert.ok(lstatSync(`${path}.old`).isSocket())
})

test('a successor keeps the file', (t) => {
  const path = pathIn(t)
  const [listener] = openListeners(configFor(unix(path)), 1) as [Listener]
  closeListener(listener, true)
  assert.ok(lstatSync(path).isSocket())
})

test('while another is at it, the path is taken; a lock left by a dead server is nobody’s', (t) => {
  const path = pathIn(t)
  const lock = open(`${path}.prefork-lock`, O_RDWR | O_CREAT, 0o600) as Fd
  assert.equal(flock(lock, LOCK_EX | LOCK_NB), true)
  const attempt = () => openListeners(configFor(unix(path)), 1)
  assert.throws(attempt, { name: 'OperatorError', message: ANSWERED })
  close(lock)
  t.after(() => closeAll(listeners))
  const listeners = attempt()
  assert.deepEqual(readdirSync(join(path, '..')), ['site.sock'])
})

test('of several that start at once over a dead socket, one has it, and it answers', async (t) => {
  const path = pathIn(t)
  leaveDead(path)
  const script = `
    import { openUnix } from ${JSON.stringify(fileURLToPath(new URL('unix-listener.js', import.meta.url)))}
    const where = ${JSON.stringify(unix(path))}
    console.log('here')
    while (Date.now() < Number(process.argv[1])) {}
    try {
      openUnix(where)
      console.log('has it')
    } catch (error) {
      console.log(error.name === 'OperatorError' && error.message.includes('somebody answers') ? 'has not' : error.stack)
    }
    setInterval(() => {}, 1e9)`
  const together = String(Date.now() + TOGETHER_MS)
  const racers = Array.from({ length: 4 }, () =>
    startProgram(t, ['--input-type=module', '--eval', script, together], { command: process.execPath }),
  )
  await Promise.all(racers.map((racer) => racer.waitForLines(/./, 2)))
  const told = racers.map(({ stdout }) => stdout[1]).sort()
  assert.deepEqual(told, ['has it', 'has not', 'has not', 'has not'])
  connectTo(t, socketAddress(path))
  assert.deepEqual(readdirSync(join(path, '..')), ['site.sock'])
})

/** By then all of them are at the line. Were they not, they would still race, only less closely. */
const TOGETHER_MS = 1_000

import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connectControl } from '../control/protocol.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { bind, listen, socket } from '../kernel/socket.ts'
import { closeControlSocket, openControlSocket } from '../supervisor/control-socket.ts'
import { findServer, type Named } from './find.ts'
import { folderOf, startPretendServer, statusWith } from './pretend-server.test.support.ts'

const NOT_NAMED: Named = { control: null, pidFile: null }
/** No process has it: the kernel's own limit is 2^22. */
const NO_PID = 2 ** 22 + 1

/** One that listens, and never gets to answering: it is in our own thread. */
function listenAt(t: TestContext, path: string): string {
  const opened = openControlSocket(path, false)
  t.after(() => closeControlSocket(opened))
  return path
}

function leaveStale(path: string): string {
  close(openControlSocket(path, false).fd)
  return path
}

function finds(t: TestContext, named: Partial<Named>, directories: readonly string[], path: string): void {
  const found = findServer({ ...NOT_NAMED, ...named }, directories)
  t.after(() => found.close())
  assert.equal(found.path, path)
}

function fails(named: Partial<Named>, directories: readonly string[], message: RegExp): void {
  assert.throws(() => findServer({ ...NOT_NAMED, ...named }, directories), { name: 'OperatorError', message })
}

test('with no server at all, where it was looked for, and the remedy', (t) => {
  const folder = folderOf(t)
  fails({}, [folder, '/nowhere'], /^no prefork of yours is running: .* in \S+ or \/nowhere\. Start one, or .*--control/)
})

test('the only one alive is it, in whichever of the directories; those of the dead are removed', (t) => {
  const [first, second] = [folderOf(t), folderOf(t)]
  const stale = [leaveStale(join(first, '1.sock')), leaveStale(join(second, '3.sock'))]
  const path = listenAt(t, join(second, '2.sock'))
  for (const control of [null, 'auto', 'off']) finds(t, { control }, [first, second], path)
  assert.deepEqual(stale.map(existsSync), [false, false])
})

test('what is not named as ours is let be', (t) => {
  const folder = folderOf(t)
  const path = leaveStale(join(folder, 'other.sock'))
  fails({}, [folder], /no prefork of yours/)
  assert.equal(existsSync(path), true)
})

test('a directory that others may write to is not believed', (t) => {
  const folder = folderOf(t)
  const stale = leaveStale(join(folder, '1.sock'))
  listenAt(t, join(folder, '2.sock'))
  chmodSync(folder, 0o777)
  fails({}, [folder], /no prefork of yours/)
  writeFileSync(join(folder, 'pid'), '2')
  fails({ pidFile: join(folder, 'pid') }, [folder], /names process 2, /)
  assert.equal(existsSync(stale), true)
})

test('of several, each is told with its addresses, and how to choose', async (t) => {
  const folder = folderOf(t)
  const paths = [join(folder, '11.sock'), join(folder, '22.sock')]
  const [a, b] = await Promise.all(
    paths.map((path, i) =>
      startPretendServer(t, path, { status: [{ type: 'status', status: statusWith(`127.0.0.1:808${i}`) }] }),
    ),
  )
  const lines = [
    '2 servers of yours are running; say which one you mean:',
    `  pid ${a!.pid}  127.0.0.1:8080  --control ${paths[0]}`,
    `  pid ${b!.pid}  127.0.0.1:8081  --control ${paths[1]}`,
  ]
  assert.throws(() => findServer(NOT_NAMED, [folder]), { name: 'OperatorError', message: lines.join('\n') })
  finds(t, { control: paths[1]! }, [folder], paths[1]!)
})

test('one of several that does not answer is told all the same', async (t) => {
  const folder = folderOf(t)
  const script = { status: [{ type: 'failed', message: 'not now' } as const] }
  await startPretendServer(t, join(folder, '1.sock'), script)
  await startPretendServer(t, join(folder, '2.sock'), script)
  fails({}, [folder], /pid \d+ {2}\(does not answer\) {2}--control \S+1\.sock\n.*\(does not answer\)/)
})

test('a path that is named is it, whatever else is there', (t) => {
  const folder = folderOf(t)
  listenAt(t, join(folder, '1.sock'))
  const path = listenAt(t, join(folder, 'named'))
  finds(t, { control: path, pidFile: '/nowhere' }, [folder], path)
})

/** What is at the path that was named, and what is said. */
const UNREACHABLE: readonly (readonly [string, (t: TestContext, path: string) => void, RegExp])[] = [
  ['nothing', () => {}, /named: there is no such file\. Is the server running/],
  [
    'the socket of a dead server',
    (_, path) => leaveStale(path),
    /nobody answers there\. .* start one anew, and it takes/,
  ],
  ['a file', (_, path) => writeFileSync(path, ''), /it is no socket; give the path/],
  ['the socket of something else', listenStream, /it is the socket of something else/],
  ['a server that takes no commands', listenFull, /does not take commands; it may be suspended/],
]

for (const [name, put, says] of UNREACHABLE) {
  test(`${name} at the path that was named is a sentence, and stays`, (t) => {
    const path = join(folderOf(t), 'named')
    put(t, path)
    const before = existsSync(path)
    fails({ control: path }, [], says)
    assert.equal(existsSync(path), before)
  })
}

test('a path too long for a socket is a sentence', () =>
  fails({ control: `/${'x'.repeat(120)}` }, [], /the path is too long for a socket/))

test('a socket of somebody else is a sentence', { skip: process.getuid!() !== 0 && 'not root' }, (t) => {
  const path = listenAt(t, join(folderOf(t), 'named'))
  chmodSync(dirname(path), 0o755)
  process.seteuid!(65534)
  try {
    fails({ control: path }, [], /permission denied; only root and the user who runs the server/)
  } finally {
    process.seteuid!(0)
  }
})

test('a pid file leads to the server of that process', (t) => {
  const [first, second] = [folderOf(t), folderOf(t)]
  const pidFile = join(first, 'pid')
  listenAt(t, join(first, '41.sock'))
  const path = listenAt(t, join(second, '42.sock'))
  for (const text of ['42', '42\n', ' 42 \n']) {
    writeFileSync(pidFile, text)
    finds(t, { pidFile }, [first, second], path)
  }
})

test('a pid file that leads nowhere is a sentence', (t) => {
  const folder = folderOf(t)
  const pidFile = join(folder, 'pid')
  fails({ pidFile }, [folder], /cannot read the pid file \S+pid \(ENOENT\)/)
  const holds = (text: string, says: RegExp) => {
    writeFileSync(pidFile, text)
    fails({ pidFile }, [folder], says)
  }
  for (const text of ['', 'abc', '0', '-1', '1 2', '99999999999']) holds(text, /holds '.*', which is no process id/)
  holds(`${process.pid}`, /names process \d+, which has no control socket in \S+; name it with --control PATH/)
  const stale = leaveStale(join(folder, `${NO_PID}.sock`))
  holds(`${NO_PID}`, /names process \d+, which is not running/)
  assert.equal(existsSync(stale), false)
  rmSync(pidFile)
  mkdirSync(pidFile)
  fails({ pidFile }, [folder], /cannot read the pid file \S+ \(EISDIR\)/)
})

function listenStream(t: TestContext, path: string): void {
  const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
  t.after(() => close(fd))
  bind(fd, socketAddress(path))
  listen(fd, 1)
}

/** As a server that is suspended: its queue is full of those that came before. */
function listenFull(t: TestContext, path: string): void {
  listenAt(t, path)
  const waiting: Fd[] = []
  t.after(() => {
    for (const fd of waiting) close(fd)
  })
  const fill = () => {
    while (waiting.length < 1_000) waiting.push(connectControl(path))
  }
  assert.throws(fill, /EAGAIN/)
}

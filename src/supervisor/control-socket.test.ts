import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connectControl } from '../control/protocol.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../kernel/constants.ts'
import { close, isOpen } from '../kernel/fd.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { bind, listen, socket } from '../kernel/socket.ts'
import { folderOf } from './control.test.support.ts'
import { type ControlSocket, closeControlSocket, openControlSocket } from './control-socket.ts'

function open(t: TestContext, path: string, takeOver = false): ControlSocket {
  const opened = openControlSocket(path, takeOver)
  t.after(() => {
    if (isOpen(opened.fd)) closeControlSocket(opened)
  })
  return opened
}

/** As a server that was killed leaves it. */
function leaveStale(path: string): void {
  close(openControlSocket(path, false).fd)
}

function isAnswered(path: string): boolean {
  try {
    close(connectControl(path))
    return true
  } catch {
    return false
  }
}

test('it is for its owner alone, whatever the umask, and leaves nothing else in the folder', (t) => {
  const folder = folderOf(t)
  const before = process.umask(0)
  t.after(() => process.umask(before))
  open(t, join(folder, 'control'))
  assert.equal(lstatSync(join(folder, 'control')).mode & 0o7777, 0o600)
  assert.deepEqual(readdirSync(folder), ['control'])
})

test('it is answered from the moment it is there, and gone when it is closed', (t) => {
  const path = join(folderOf(t), 'control')
  const opened = open(t, path)
  assert.equal(isAnswered(path), true)
  closeControlSocket(opened)
  assert.equal(existsSync(path), false)
})

test('what a dead server has left is replaced', (t) => {
  const path = join(folderOf(t), 'control')
  leaveStale(path)
  assert.equal(isAnswered(path), false)
  open(t, path)
  assert.equal(isAnswered(path), true)
})

test('so is what was left between bind and rename', (t) => {
  const folder = folderOf(t)
  leaveStale(join(folder, `.prefork-${process.pid}`))
  open(t, join(folder, 'control'))
  assert.deepEqual(readdirSync(folder), ['control'])
})

test('a successor takes the name over, and keeps it when its predecessor goes', (t) => {
  const path = join(folderOf(t), 'control')
  const first = open(t, path)
  const second = open(t, path, true)
  assert.equal(lstatSync(path).ino, second.ino)
  closeControlSocket(first)
  assert.equal(isAnswered(path), true)
  closeControlSocket(second)
  assert.equal(existsSync(path), false)
})

test('one that was removed by somebody is no trouble at the end', (t) => {
  const path = join(folderOf(t), 'control')
  const opened = open(t, path)
  closeControlSocket(open(t, path, true))
  closeControlSocket(opened)
  assert.equal(existsSync(path), false)
})

/** What is there, made by a function; the sentence; and whether a successor would get it all the same. */
const MISTAKES: readonly (readonly [string, (t: TestContext, path: string) => void, RegExp, boolean])[] = [
  ['a living server', open, /control: a running server answers there\. Stop it, or .* with --control$/, true],
  ['the socket of something else', openStream, /a running server answers there/, true],
  ['a file', (_, path) => writeFileSync(path, 'precious'), /something that is no socket is there/, false],
  ['a directory', (_, path) => void mkdirSync(path), /something that is no socket is there/, false],
  ['a link', (_, path) => symlinkSync('/dev/null', path), /something that is no socket is there/, false],
]

for (const [name, put, says, isForSuccessor] of MISTAKES) {
  test(`${name} at its path is let be`, (t) => {
    const folder = folderOf(t)
    const path = join(folder, 'control')
    put(t, path)
    const { ino } = lstatSync(path)
    assert.throws(() => openControlSocket(path, false), { name: 'OperatorError', message: says })
    assert.equal(lstatSync(path).ino, ino)
    if (isForSuccessor) open(t, path, true)
    else assert.throws(() => openControlSocket(path, true), says)
    assert.deepEqual(readdirSync(folder), ['control'])
  })
}

test('a path that cannot be is a sentence', (t) => {
  const folder = folderOf(t)
  writeFileSync(join(folder, 'file'), '')
  const fails = (path: string, message: RegExp) =>
    assert.throws(() => openControlSocket(join(folder, path), false), { name: 'OperatorError', message })
  fails('missing/control', /its directory does not exist; create it first/)
  fails('file/control', /its directory does not exist/)
  fails('x'.repeat(120), /the path is too long; a socket's may have 107 bytes/)
  fails(`${'x'.repeat(100)}/c`, /the path is too long/)
})

function openStream(t: TestContext, path: string): void {
  const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
  t.after(() => close(fd))
  bind(fd, socketAddress(path))
  listen(fd, 1)
}

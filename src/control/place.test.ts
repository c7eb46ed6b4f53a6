import assert from 'node:assert/strict'
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { controlDirectories, controlPathsIn, placeControl } from './place.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-place-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** User id, XDG_RUNTIME_DIR, and where to look. */
const PLACES: readonly (readonly [number, string | undefined, readonly string[]])[] = [
  [1000, '/run/user/1000', ['/run/user/1000/prefork', join(tmpdir(), 'prefork-1000')]],
  [1000, undefined, [join(tmpdir(), 'prefork-1000')]],
  [1000, '', [join(tmpdir(), 'prefork-1000')]],
  [1000, 'relative', [join(tmpdir(), 'prefork-1000')]],
  [0, undefined, ['/run/prefork', join(tmpdir(), 'prefork-0')]],
  [0, '/run/user/1000', ['/run/prefork', join(tmpdir(), 'prefork-0')]],
]

for (const [uid, runtime, directories] of PLACES) {
  test(`user ${uid} with XDG_RUNTIME_DIR ${runtime}: ${directories[0]}`, () =>
    assert.deepEqual(controlDirectories(uid, { XDG_RUNTIME_DIR: runtime }), directories))
}

test('the directory is made for its owner alone', (t) => {
  const directory = join(folderOf(t), 'prefork')
  const before = process.umask(0)
  t.after(() => process.umask(before))
  assert.equal(placeControl(123, [directory]), join(directory, '123.sock'))
  assert.equal(lstatSync(directory).mode & 0o7777, 0o700)
  assert.equal(placeControl(124, [directory]), join(directory, '124.sock'))
})

test('one that others may only read will do: a service manager made it', (t) => {
  const directory = folderOf(t)
  chmodSync(directory, 0o755)
  assert.equal(placeControl(123, [directory]), join(directory, '123.sock'))
})

const asRoot = process.getuid!() === 0
/** What lies at the path, and what is said of it. */
const MISTAKES: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ['a directory that others may write to', (path) => make(path, 0o777), /prefork may be written to by others/],
  ['one that its group may write to', (path) => make(path, 0o770), /prefork may be written to by others/],
  ['a link to a directory of ours', (path) => symlinkSync('.', path), /prefork is no directory/],
  ['a file', (path) => writeFileSync(path, ''), /prefork is no directory/],
  ...(asRoot ? ([["somebody else's", giveAway, /prefork belongs to user 65534/]] as const) : []),
]

for (const [name, put, says] of MISTAKES) {
  test(`${name} is not used, and nothing in it believed`, (t) => {
    const folder = folderOf(t)
    const path = join(folder, 'prefork')
    put(path)
    assert.throws(() => placeControl(1, [path]), { name: 'OperatorError', message: says })
    assert.deepEqual(controlPathsIn(path), [])
    assert.equal(placeControl(1, [path, join(folder, 'next')]), join(folder, 'next', '1.sock'))
  })
}

test('with no place at all, every one is named, and the remedy', (t) => {
  const folder = folderOf(t)
  const places = [join(folder, 'a', 'prefork'), join(folder, 'b', 'prefork')]
  assert.throws(
    () => placeControl(1, places),
    /no place for the control socket: \S+a\/prefork cannot be made \(ENOENT\); \S+b\/prefork .*--control PATH, or 'off'$/,
  )
})

test('sockets are listed by process id, and nothing else is', (t) => {
  const folder = folderOf(t)
  for (const name of ['20.sock', '3.sock', '.prefork-4', 'a.sock', '5.sock~', '6'])
    writeFileSync(join(folder, name), '')
  assert.deepEqual(controlPathsIn(folder), [join(folder, '3.sock'), join(folder, '20.sock')])
  assert.deepEqual(controlPathsIn(join(folder, 'missing')), [])
})

function make(path: string, mode: number): void {
  mkdirSync(path)
  writeFileSync(join(path, '1.sock'), '')
  chmodSync(path, mode)
}

function giveAway(path: string): void {
  make(path, 0o700)
  chownSync(path, 65534, 65534)
}

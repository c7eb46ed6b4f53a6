import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  EACCES,
  EAGAIN,
  EIO,
  ELOOP,
  EMFILE,
  ENAMETOOLONG,
  ENFILE,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EXDEV,
} from '../../kernel/errno.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { FILE_FLAGS, ROOT_LOOKUP_MS, Root, statusOfOpenError } from './open.ts'

/** A folder with two versions of a site, and a Root whose clock is ours. */
function deployment(t: { after(done: () => void): void }, link: boolean) {
  const base = mkdtempSync(join(tmpdir(), 'root-'))
  for (const version of ['one', 'two']) {
    mkdirSync(join(base, version))
    writeFileSync(join(base, version, 'version'), version)
  }
  if (link) symlinkSync('one', join(base, 'site'))
  else renameSync(join(base, 'one'), join(base, 'site'))
  const clock = { ms: 0 }
  const root = new Root(join(base, 'site'), 'beneath', () => clock.ms)
  t.after(() => {
    root.close()
    rmSync(base, { recursive: true })
  })
  return { base, clock, serving: () => readAndClose(root.open('version', FILE_FLAGS)) }
}

function readAndClose(opened: number): string {
  assert.ok(opened >= 0, `errno ${-opened}`)
  const text = readFileSync(opened, 'utf8')
  close(opened as Fd)
  return text
}

test('a new target of the link that is the root is served after a second', (t) => {
  const { base, clock, serving } = deployment(t, true)
  symlinkSync('two', join(base, 'next'))
  renameSync(join(base, 'next'), join(base, 'site'))
  clock.ms = ROOT_LOOKUP_MS - 1
  assert.equal(serving(), 'one')
  clock.ms = ROOT_LOOKUP_MS
  assert.equal(serving(), 'two')
})

test('between the two mv of a deploy the old folder serves on', (t) => {
  const { base, clock, serving } = deployment(t, false)
  renameSync(join(base, 'site'), join(base, 'old'))
  clock.ms = ROOT_LOOKUP_MS
  assert.equal(serving(), 'one')
  renameSync(join(base, 'two'), join(base, 'site'))
  clock.ms = 2 * ROOT_LOOKUP_MS
  assert.equal(serving(), 'two')
})

test('looking the root up again keeps no descriptor', (t) => {
  const { clock, serving } = deployment(t, true)
  const before = readdirSync('/proc/self/fd').length
  for (let i = 1; i <= 20; i++) {
    clock.ms = i * ROOT_LOOKUP_MS
    serving()
  }
  assert.equal(readdirSync('/proc/self/fd').length, before)
})

test('each failed open has its status', () => {
  for (const errno of [ENOENT, ENOTDIR, EXDEV, ELOOP, ENAMETOOLONG, ENXIO])
    assert.equal(statusOfOpenError(errno, 'x'), 404)
  for (const errno of [EMFILE, ENFILE, EAGAIN]) assert.equal(statusOfOpenError(errno, 'x'), 503)
  assert.equal(statusOfOpenError(EACCES, 'x'), 403)
  assert.throws(() => statusOfOpenError(EIO, 'x'), /openat2: EIO x/)
})

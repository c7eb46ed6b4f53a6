import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DEADLINE_MS } from '../../../test/support/program.ts'
import { ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, errnoName } from '../../kernel/errno.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { fstat } from '../../kernel/file.ts'
import { FILE_FLAGS, LOOK_FLAGS, Root } from './open.ts'
import { openDescriptors } from './site.test.support.ts'

const isRoot = process.geteuid!() === 0
const asRoot = { skip: isRoot ? false : 'only root may give files away' }

const ALICE = 1_001
const BOB = 1_002

/** A root in which only links that belong to the owner of their target are followed. */
function place(t: TestContext) {
  const base = mkdtempSync(join(tmpdir(), 'owned-'))
  const path = join(base, 'root')
  mkdirSync(path)
  const root = new Root(path, 'owner')
  t.after(() => {
    root.close()
    rmSync(base, { recursive: true })
  })
  return {
    base,
    path,
    root,
    /** Of ours without an owner. */
    file(name: string, owner?: number) {
      mkdirSync(dirname(join(path, name)), { recursive: true })
      writeFileSync(join(path, name), `[${name}]`)
      if (owner !== undefined) chownSync(join(path, name), owner, owner)
    },
    folder(name: string, owner: number) {
      mkdirSync(join(path, name), { recursive: true })
      chownSync(join(path, name), owner, owner)
    },
    link(name: string, target: string, owner?: number) {
      mkdirSync(dirname(join(path, name)), { recursive: true })
      symlinkSync(target, join(path, name))
      if (owner !== undefined) lchownSync(join(path, name), owner, owner)
    },
    /** The file's text, or why not. */
    read(name: string): string {
      const opened = root.open(name, FILE_FLAGS)
      if (opened < 0) return errnoName(-opened)
      const isFile = fstat(opened as Fd).isFile
      const text = isFile ? readFileSync(opened, 'utf8') : 'a folder'
      close(opened as Fd)
      return text
    },
  }
}

test('a link is followed to what its owner owns, and to nothing else', asRoot, (t) => {
  const { file, link, read } = place(t)
  file('alice.txt', ALICE)
  file('bob.txt', BOB)
  link('own', 'alice.txt', ALICE)
  link('other', 'bob.txt', ALICE)
  link('of-root', 'alice.txt', 0)
  link('dangling', 'nowhere', ALICE)
  assert.equal(read('alice.txt'), '[alice.txt]')
  assert.equal(read('own'), '[alice.txt]')
  assert.equal(read('other'), 'ELOOP')
  assert.equal(read('of-root'), 'ELOOP')
  assert.equal(read('dangling'), 'ENOENT')
})

test('in a chain every link is asked', asRoot, (t) => {
  const { file, link, read } = place(t)
  file('alice.txt', ALICE)
  file('bob.txt', BOB)
  link('a1', 'alice.txt', ALICE)
  link('a2', 'a1', ALICE)
  link('a3', './a2', ALICE)
  link('b1', 'a2', BOB) // Bob's link to Alice's link
  link('b2', 'bob.txt', BOB)
  link('a4', 'b2', ALICE) // Alice's to Bob's, which leads to Bob's file
  assert.equal(read('a3'), '[alice.txt]')
  assert.equal(read('b1'), 'ELOOP')
  assert.equal(read('a4'), 'ELOOP')
})

test('links to folders, and in the middle of a path', asRoot, (t) => {
  const { file, folder, link, read } = place(t)
  folder('alice', ALICE)
  folder('bob', BOB)
  file('alice/a.txt', ALICE)
  file('bob/b.txt', BOB)
  link('to-alice', 'alice', ALICE)
  link('to-alice-slash', 'alice/', ALICE)
  link('to-alice-dot', 'alice/.', ALICE)
  link('to-bob', 'bob', ALICE)
  link('bob/up', '../alice/a.txt', ALICE)
  link('bob/down-and-up', '../alice/../bob/b.txt', BOB)
  link('alice/here', '.', ALICE)
  link('alice/over', '../to-bob/b.txt', BOB)
  link('alice/through', '../to-alice/a.txt', ALICE)
  assert.equal(read('to-alice'), 'a folder')
  for (const name of ['to-alice', 'to-alice-slash', 'to-alice-dot', 'alice/here', 'alice/here/here']) {
    assert.equal(read(`${name}/a.txt`), '[alice/a.txt]', name)
  }
  assert.equal(read('to-bob/b.txt'), 'ELOOP')
  assert.equal(read('bob/up'), '[alice/a.txt]')
  assert.equal(read('bob/down-and-up'), '[bob/b.txt]')
  // Its end is Bob's as it is itself, but a link on the way there is not to be followed.
  assert.equal(read('alice/over'), 'ELOOP')
  assert.equal(read('alice/through'), '[alice/a.txt]')
  assert.equal(read('alice/here/..'), 'a folder')
  assert.equal(read('alice/here/../..'), 'EXDEV')
})

test('no link leads out of the root, whoever owns it', (t) => {
  const { base, file, link, read } = place(t)
  writeFileSync(join(base, 'secret'), 'secret')
  file('folder/a.txt')
  link('absolute', join(base, 'secret'))
  link('absolute-inside', join(base, 'root/folder/a.txt'))
  link('up', '../secret')
  link('folder/up-up', '../../secret')
  link('folder/up-and-down', '../folder/../../root/folder/a.txt')
  link('through/folder', '../folder/..')
  link('through/out', 'folder/../secret')
  for (const name of ['absolute', 'absolute-inside', 'up', 'folder/up-up', 'folder/up-and-down', 'through/out', '..']) {
    assert.equal(read(name), 'EXDEV', name)
  }
  assert.equal(read('through/folder/folder/a.txt'), '[folder/a.txt]')
})

test('what is wrong with a path is what the kernel says of it', (t) => {
  const { file, link, read, root } = place(t)
  file('folder/a.txt')
  link('to-file', 'folder/a.txt')
  link('loop', 'loop')
  link('to-nothing-below', 'folder/nothing/x')
  assert.equal(root.open('to-file/x', FILE_FLAGS), -ENOTDIR)
  assert.equal(root.open('loop', FILE_FLAGS), -ELOOP)
  assert.equal(root.open('to-nothing-below', FILE_FLAGS), -ENOENT)
  assert.equal(root.open(`to-file/${'x'.repeat(300)}`, FILE_FLAGS), -ENOTDIR)
  assert.equal(root.open(`folder/${'x'.repeat(300)}`, FILE_FLAGS), -ENAMETOOLONG)
  assert.equal(read('to-file'), '[folder/a.txt]')
})

/** Puts each of two names in the other's place, again and again, and tells when it is through. */
const EXCHANGE = `
  const { renameSync, writeFileSync } = require('node:fs')
  process.chdir(process.argv[1])
  for (let i = 0; i < 20_000; i++) {
    renameSync('there', 'spare')
    renameSync('next', 'there')
    renameSync('spare', 'next')
  }
  writeFileSync('through', '')`

test('who exchanges a file between the look and the opening gets nothing by it', asRoot, (t) => {
  const { path, file, link, root } = place(t)
  file('there', ALICE)
  file('next', BOB)
  link('link', 'there', ALICE)
  const exchanging = spawn(process.execPath, ['--eval', EXCHANGE, path], { stdio: 'inherit' })
  t.after(() => exchanging.kill())
  const seen = new Map<string, number>()
  for (const until = Date.now() + DEADLINE_MS; !existsSync(join(path, 'through')); ) {
    assert.ok(Date.now() < until, 'the other process does not end')
    const opened = root.open('link', FILE_FLAGS)
    const story = opened < 0 ? errnoName(-opened) : `uid ${fstat(opened as Fd).uid}`
    if (opened >= 0) close(opened as Fd)
    seen.set(story, (seen.get(story) ?? 0) + 1)
  }
  // Alice's file; Bob's, refused; or neither, between two renames.
  const told = JSON.stringify([...seen])
  assert.ok(seen.has(`uid ${ALICE}`), told)
  for (const story of seen.keys()) assert.match(story, new RegExp(`^(uid ${ALICE}|ELOOP|ENOENT)$`), told)
})

test('too many links, or folders, end the walk; no descriptor is left', (t) => {
  const { file, link, read, root } = place(t)
  file('end')
  for (let i = 0; i < 41; i++) link(`l${i}`, i === 0 ? 'end' : `l${i - 1}`)
  const deep = `${'d/'.repeat(300)}x`
  file(deep)
  link('to-deep', deep)
  const before = openDescriptors()
  assert.equal(read('l39'), '[end]')
  assert.equal(read('l40'), 'ELOOP')
  assert.equal(read('to-deep'), 'ENAMETOOLONG')
  assert.equal(read(deep), `[${deep}]`)
  const looked = root.open('l5', LOOK_FLAGS)
  assert.equal(fstat(looked as Fd).isFile, true)
  close(looked as Fd)
  assert.equal(openDescriptors(), before)
})

/**
 * What changes a process for good happens in one of its own
 * (test/fixtures/kernel-credentials.ts), and only root can show it.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { geteuid, getgrnam, getpwnam, getpwuid, getuid, initgroups, setgid, setgroups, setuid } from './credentials.ts'

const fixture = join(import.meta.dirname, '../../test/fixtures/kernel-credentials.js')
const DEADLINE_MS = 60_000

const ifRoot = getuid() === 0 ? false : 'only root may become somebody else'
const unlessRoot = getuid() === 0 ? 'root may do all of this' : false

test('a user is found by name and by number', () => {
  const me = userInfo()
  const found = getpwuid(me.uid)
  assert.deepEqual(found, { name: me.username, uid: me.uid, gid: me.gid, home: me.homedir })
  assert.deepEqual(getpwnam(me.username), found)
  assert.deepEqual(getpwnam('root')?.uid, 0)
})

test('a group is found by name', () => {
  const name = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()
  assert.deepEqual(getgrnam(name), { name, gid: process.getgid!() })
})

test('null for whom nobody knows', () => {
  assert.equal(getpwnam('no-such-user'), null)
  assert.equal(getpwnam(''), null)
  assert.equal(getpwuid(3_999_999_999), null)
  assert.equal(getgrnam('no-such-group'), null)
})

test('getuid and geteuid', () => {
  assert.equal(getuid(), process.getuid!())
  assert.equal(geteuid(), process.geteuid!())
})

test('root becomes nobody, in every thread and for good', { skip: ifRoot }, () => {
  const nobody = getpwnam('nobody')!
  assert.ok(nobody.uid > 0)
  const { status, stdout, stderr } = spawnSync(process.execPath, [fixture, 'nobody'], {
    encoding: 'utf8',
    timeout: DEADLINE_MS,
  })
  assert.equal(stderr, '')
  assert.equal(status, 0)
  const { threads, groups, ...seen } = JSON.parse(stdout)
  assert.ok(threads > 1, 'more than one thread')
  const listed = execFileSync('id', ['-G', 'nobody'], { encoding: 'utf8' }).trim().split(' ').map(Number)
  assert.deepEqual(groups.toSorted(), listed.toSorted())
  assert.deepEqual(seen, {
    chosen: '5 70000',
    uid: new Array(4).fill(nobody.uid),
    gid: new Array(4).fill(nobody.gid),
    noNewPrivs: '1',
    owners: 1,
    capabilities: '0000000000000000',
    ownerBefore: 0,
    ownerAfter: nobody.uid,
    back: ['setuid: EPERM to 0', 'setgid: EPERM to 0', 'setgroups: EPERM to 1 groups'],
    shadow: 'EACCES',
  })
})

test('who is not root cannot become somebody else', { skip: unlessRoot }, () => {
  assert.throws(() => setuid(0), { syscall: 'setuid', code: 'EPERM' })
  assert.throws(() => setgid(0), { syscall: 'setgid', code: 'EPERM' })
  assert.throws(() => setgroups([]), { syscall: 'setgroups', code: 'EPERM' })
  assert.throws(() => initgroups('root', 0), { syscall: 'initgroups', code: 'EPERM' })
})

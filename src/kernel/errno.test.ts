import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EAGAIN, EINTR, EMFILE, ENOENT, errnoName, must, SyscallError } from './errno.ts'

test('errors are named as the manual pages name them', () => {
  assert.equal(errnoName(ENOENT), 'ENOENT')
  assert.equal(errnoName(EINTR), 'EINTR')
  assert.equal(errnoName(EAGAIN), 'EAGAIN', 'not EWOULDBLOCK, its second name')
  assert.equal(errnoName(95), 'EOPNOTSUPP', 'not ENOTSUP, its second name')
})

test('a number without a name is told as it is', () => {
  assert.equal(errnoName(4095), 'errno 4095')
})

test('a SyscallError says which call failed, how, and on what', () => {
  const error = new SyscallError('accept4', EMFILE, 'on fd 5')
  assert.equal(error.message, 'accept4: EMFILE on fd 5')
  assert.equal(String(error), 'SyscallError: accept4: EMFILE on fd 5')
  assert.deepEqual([error.syscall, error.errno, error.code], ['accept4', EMFILE, 'EMFILE'])
})

test('must passes a result on and throws the negative of an errno', () => {
  assert.equal(must(0, 'listen', ''), 0)
  assert.equal(must(7, 'socket', ''), 7)
  assert.throws(() => must(-ENOENT, 'open', 'x'), { name: 'SyscallError', syscall: 'open', code: 'ENOENT' })
})

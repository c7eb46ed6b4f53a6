/** Watched calls: what `prefork explain` stands on. Each function here is bound by the test, before or after. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EBADF } from './errno.ts'
import { bind, bindRaw, bindUnwatched, type CallWatcher, lastErrno, tellOfCall, watchCalls } from './libc.ts'

/** Bound while nobody watches. */
const closeBefore = bind('close', 'int', ['int'])
const told: Parameters<CallWatcher>[] = []
let alsoDoes = () => {}
watchCalls((...call) => {
  told.push(call)
  alsoDoes()
})
const close = bind('close', 'int', ['int'])
const rawClose = bindRaw('close', 'int', ['int'])

/** What was told of while `act` ran. */
function toldOf(act: () => void): Parameters<CallWatcher>[] {
  told.length = 0
  act()
  return [...told]
}

test('a call is told once it has been made, with its arguments and its result', () => {
  assert.deepEqual(
    toldOf(() => assert.equal(close(-1), -EBADF)),
    [['close', [-1], -EBADF]],
  )
  const dup = bind('dup', 'int', ['int'])
  let copy = -1
  assert.deepEqual(
    toldOf(() => {
      copy = dup(2)
    }),
    [['dup', [2], copy]],
  )
  close(copy)
})

test('what was bound before, or unwatched, is not told', () => {
  const unwatched = bindUnwatched('close', 'int', ['int'])
  assert.deepEqual(
    toldOf(() => {
      assert.equal(closeBefore(-1), -EBADF)
      assert.equal(unwatched(-1), -1)
    }),
    [],
  )
})

test('whoever made the call finds its errno, whatever the watcher did meanwhile', () => {
  const access = bindUnwatched('access', 'int', ['str', 'int'])
  alsoDoes = () => void access('/no/such/file', 0) // ENOENT
  assert.equal(close(-1), -EBADF)
  assert.equal(rawClose(-1), -1)
  assert.equal(lastErrno(), EBADF)
  alsoDoes = () => {}
})

test('what the watcher calls is not told: it would never end', () => {
  alsoDoes = () => {
    close(-1)
    tellOfCall('fork', [], 7)
  }
  assert.deepEqual(
    toldOf(() => close(-1)),
    [['close', [-1], -EBADF]],
  )
  alsoDoes = () => {}
  assert.equal(toldOf(() => close(-1)).length, 1, 'and the next one is told again')
})

test('a watcher that throws leaves the next call as it was', () => {
  alsoDoes = () => {
    throw new Error('a mistake')
  }
  assert.throws(() => close(-1), /a mistake/)
  alsoDoes = () => {}
  assert.equal(toldOf(() => assert.equal(close(-1), -EBADF)).length, 1)
})

test('a call that nobody may stand beside is told by its caller', () => {
  assert.deepEqual(
    toldOf(() => tellOfCall('fork', [], 7)),
    [['fork', [], 7]],
  )
})

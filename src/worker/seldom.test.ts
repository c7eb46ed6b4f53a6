import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Seldom, sayTurnedAway } from './seldom.ts'

test('said at once, then once a minute at most, with all that was not said', () => {
  const said: string[] = []
  let now = 0
  const seldom = new Seldom({ warn: (message) => void said.push(message) }, () => now)
  const times = (count: number) => seldom.warn(count, (all) => `${all} at ${now}`)
  times(1)
  now = 59_999
  times(2)
  times(3)
  assert.deepEqual(said, ['1 at 0'])
  now = 60_000
  times(4)
  now = 90_000
  times(1)
  assert.deepEqual(said, ['1 at 0', '9 at 60000'])
})

test('of connections that are turned away, the last is named', () => {
  const said: string[] = []
  const seldom = new Seldom({ warn: (message) => void said.push(message) })
  sayTurnedAway(seldom, { family: 'IPv6', address: '2001:db8::1', port: 1 })
  assert.deepEqual(said, ['turned away 1 connections over limits.connectionsPerAddress, the last from 2001:db8::1'])
})

/** A short run of the fuzzer, and that it would find something if there were anything to find. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { describeFailure, type Examine, fuzz } from './fuzz.ts'
import { examine } from './fuzz-examine.ts'
import { type FuzzInput, inputOf } from './fuzz-input.ts'
import { readPlainly } from './plain.ts'

const TURNS = 5_000

test(`${TURNS} inputs: nothing throws, loops, holds too much, or reads otherwise when it is cut otherwise`, (t) => {
  const seed = Number(process.env.PREFORK_SEED ?? randomInt(2 ** 32))
  t.diagnostic(`PREFORK_SEED=${seed}`)
  const { turns, readings, failure } = fuzz(seed, (turns) => turns < TURNS)
  if (failure !== null) assert.fail(describeFailure(seed, failure))
  assert.equal(turns, TURNS)
  assert.ok(readings > 2 * TURNS)
})

test('a turn is the same when it is played again, and no two are', () => {
  const bytes = (turn: number) => inputOf(1, turn).bytes.toString('latin1')
  assert.deepEqual(inputOf(1, 7), inputOf(1, 7))
  assert.notDeepEqual(inputOf(1, 7), inputOf(2, 7))
  const all = new Set(Array.from({ length: 100 }, (_, turn) => bytes(turn)))
  assert.ok(all.size > 95)
})

test('much of what it makes is right, and much is not', () => {
  const found = Array.from(
    { length: 1_000 },
    (_, turn) => readPlainly(inputOf(1, turn).bytes.toString('latin1')).length,
  )
  assert.ok(found.filter((requests) => requests === 0).length > 200)
  assert.ok(found.filter((requests) => requests > 1).length > 150)
})

/** One that finds fault with input that holds a NUL and, behind it, an A. */
const faultyWithNul: Examine = ({ bytes }: FuzzInput) => {
  if (/\0[\s\S]*A/.test(bytes.toString('latin1'))) throw new Error('NUL before A')
  return 1
}

test('what does not hold is told with its turn, and made small', () => {
  const { failure, turns } = fuzz(1, () => true, 0, faultyWithNul)
  assert.equal(failure!.turn, turns - 1)
  assert.match(failure!.complaint, /NUL before A/)
  assert.deepEqual(failure!.smallest.bytes, Buffer.from('\0A'))
  assert.deepEqual(failure!.smallest.cuts, [])
  const again = fuzz(1, (turns) => turns < 1, failure!.turn, faultyWithNul)
  assert.equal(again.failure!.turn, failure!.turn)
  assert.match(
    describeFailure(1, failure!),
    new RegExp(`smallest, 2 bytes: "\\\\u0000A"[\\s\\S]*--seed 1 --turn ${failure!.turn}`),
  )
})

test('what has no end is told as well', () => {
  const endless: Examine = ({ bytes }) => {
    while (bytes.includes('chunked'));
    return 1
  }
  const { failure } = fuzz(1, () => true, 0, endless, 50)
  assert.equal(failure!.complaint, 'no end after 50 ms')
})

test('the command says its seed and its speed, and what it does not understand', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, ['scripts/fuzz.mjs', ...args], { encoding: 'utf8' })
  const { status, stdout, stderr } = run('--seed', '5', '--turn', '3')
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  assert.match(stdout, /seed 5, turn 3\n1 inputs read \d times, \d+ readings a second, seed 5\nAll holds\n$/)
  const wrong = run('--seconds', 'ten')
  assert.deepEqual([wrong.status, wrong.stderr], [1, '--seconds is a whole number, not "ten"\n'])
  assert.equal(run('--minutes', '1').status, 1)
})

test('each turn is examined whole', () => {
  const counted = Array.from({ length: 50 }, (_, turn) => examine(inputOf(1, turn)))
  assert.ok(counted.every((times) => times >= 2))
})

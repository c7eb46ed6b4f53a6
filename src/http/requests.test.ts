import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { check, play } from './play.test.support.ts'
import { REFUSALS } from './refusals.ts'
import { ACCEPTED, REFUSED } from './requests.test.support.ts'

const FOLDER = join(process.cwd(), 'test/requests')
const MUTATIONS = 3_000

for (const [folder, stories] of [
  ['accepted', ACCEPTED],
  ['refused', REFUSED],
] as const) {
  test(`every file of ${folder}/ has its story, and every story its file`, () => {
    assert.deepEqual(names(folder).sort(), Object.keys(stories).sort())
  })
  for (const [name, story] of Object.entries(stories)) {
    test(`${folder}: ${name.replaceAll('-', ' ')}`, () => check(file(folder, name), story))
  }
}

test('every reason to refuse a request is shown by a file, but for those a clock gives', () => {
  const shown = new Set(Object.values(REFUSED).map((story) => story.slice(story.lastIndexOf(' ') + 1)))
  const missing = Object.keys(REFUSALS).filter((name) => !shown.has(name))
  assert.deepEqual(missing, ['HEAD_LATE', 'BODY_LATE'])
})

test(`${MUTATIONS} damaged requests tell one story however they are cut`, (t) => {
  const seed = Number(process.env.PREFORK_SEED ?? randomInt(2 ** 31))
  t.diagnostic(`PREFORK_SEED=${seed}`)
  const random = mulberry32(seed)
  const originals = ['accepted', 'refused']
    .flatMap((folder) => names(folder).map((name) => file(folder, name)))
    .filter((bytes) => bytes.length > 0 && bytes.length < 1_000)
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = damage(originals[pick(random, originals.length)], originals, random)
    const whole = play(bytes, [])
    const cuts = Array.from({ length: 1 + pick(random, 4) }, () => pick(random, bytes.length + 1)).sort((a, b) => a - b)
    const say = () => `seed ${seed}, turn ${i}: ${JSON.stringify(bytes.toString('latin1'))} cut at ${cuts}`
    assert.deepEqual(play(bytes, cuts), whole, say())
    const everywhere = Array.from(bytes, (_, at) => at)
    assert.deepEqual(play(bytes, everywhere), whole, say())
  }
})

/** One to three of: a byte changed, taken out, put in, doubled; or the tail of another request put behind this one's front. */
function damage(original: Buffer, others: readonly Buffer[], random: () => number): Buffer {
  let bytes = original
  for (let left = 1 + pick(random, 3); left > 0; left--) {
    const at = pick(random, bytes.length + 1)
    const front = bytes.subarray(0, at)
    const byte = Buffer.from([TELLING[pick(random, TELLING.length)]])
    const other = others[pick(random, others.length)]
    const ways = [
      [front, byte, bytes.subarray(at + 1)],
      [front, bytes.subarray(at + 1)],
      [front, byte, bytes.subarray(at)],
      [front, bytes.subarray(at - 1)],
      [front, other.subarray(pick(random, other.length))],
    ]
    bytes = Buffer.concat(ways[pick(random, ways.length)])
  }
  return bytes
}

/** The bytes the grammar turns on, and a few that belong nowhere. */
const TELLING = Buffer.from('\0\x01\t\n\r !"#%*+,-./015:;=?@A[\\]az\x7f\x80\xff', 'latin1')

function pick(random: () => number, below: number): number {
  return Math.floor(random() * below)
}

/** A small generator whose numbers follow from its seed. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function names(folder: string): string[] {
  return readdirSync(join(FOLDER, folder)).map((name) => name.replace(/\.http$/, ''))
}

function file(folder: string, name: string): Buffer {
  return readFileSync(join(FOLDER, folder, `${name}.http`))
}

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { Deadline, Deadlines, STEP_MS } from './deadlines.ts'

/** Notes when it was met, on the clock that the test turns. */
class Noted extends Deadline {
  readonly name: string
  readonly #clock: Clock

  constructor(name: string, clock: Clock) {
    super()
    this.name = name
    this.#clock = clock
  }

  override onDeadline(): void {
    this.#clock.met.push(`${this.name} at ${this.#clock.now}`)
    this.#clock.onMet(this)
  }
}

/** A pretend clock, and an owner that looks when the wheel asks to be looked at, as the event loop does. */
class Clock {
  now: number
  looks = 0
  readonly met: string[] = []
  readonly deadlines: Deadlines
  onMet: (entry: Noted) => void = () => {}

  constructor(now = 0) {
    this.now = now
    this.deadlines = new Deadlines(now)
  }

  entry(name: string, atMs?: number): Noted {
    const entry = new Noted(name, this)
    if (atMs !== undefined) this.deadlines.set(entry, atMs)
    return entry
  }

  /** Time passes, the owner awake: it looks exactly when the wheel asks it to. */
  until(ms: number): this {
    for (let next = this.deadlines.nextLookAt(); next !== null && next <= ms; next = this.deadlines.nextLookAt()) {
      this.#look(next)
    }
    this.now = ms
    return this
  }

  /** Time passes, the owner asleep; then it looks once. */
  sleepUntil(ms: number): this {
    this.#look(ms)
    return this
  }

  #look(ms: number): void {
    assert.ok(ms >= this.now, `asked to look at ${ms}, which is past`)
    this.now = ms
    this.looks += 1
    this.deadlines.expire(ms)
  }
}

/** The step at whose start a deadline has surely passed. */
const met = (ms: number) => Math.ceil(ms / STEP_MS) * STEP_MS

test('a deadline is met once, at the step after it', () => {
  const clock = new Clock()
  clock.entry('a', 1_010)
  assert.deepEqual(clock.until(10_000).met, [`a at ${met(1_010)}`])
})

test('a deadline on a step is met on it', () => {
  const clock = new Clock()
  clock.entry('a', 4 * STEP_MS)
  assert.deepEqual(clock.until(10_000).met, [`a at ${4 * STEP_MS}`])
})

test('a deadline already past is met at the next step, not within the call that sets it', () => {
  const clock = new Clock(100_000)
  clock.entry('a', 5)
  assert.deepEqual(clock.met, [])
  assert.deepEqual(clock.until(200_000).met, [`a at ${100_000 + STEP_MS}`])
})

test('one moved later is met later; one moved earlier, earlier', () => {
  const clock = new Clock()
  const late = clock.entry('late', 1_000)
  const early = clock.entry('early', 50_000)
  clock.deadlines.set(late, 30_000)
  clock.deadlines.set(early, 2_000)
  assert.deepEqual(clock.until(60_000).met, ['early at 2000', 'late at 30000'])
})

test('moving later is lazy: the entry stays where it lies, and is looked at once in its old step', () => {
  const clock = new Clock()
  const entry = clock.entry('a', 1_000)
  const { step } = entry
  for (let at = 1_001; at < 20_000; at++) clock.deadlines.set(entry, at)
  assert.equal(entry.step, step)
  clock.until(60_000)
  assert.deepEqual(clock.met, ['a at 20000'])
  assert.equal(clock.looks, 2)
})

test('one cleared is never met, and may be cleared again', () => {
  const clock = new Clock()
  const entry = clock.entry('a', 1_000)
  clock.deadlines.clear(entry)
  clock.deadlines.clear(entry)
  assert.equal(clock.deadlines.count, 0)
  assert.equal(clock.deadlines.nextLookAt(), null)
  assert.deepEqual(clock.until(60_000).met, [])
})

test('one met may be set again', () => {
  const clock = new Clock()
  clock.onMet = (entry) => {
    if (clock.now < 5_000) clock.deadlines.set(entry, clock.now + 2_000)
  }
  clock.entry('a', 1_000)
  assert.deepEqual(clock.until(60_000).met, ['a at 1000', 'a at 3000', 'a at 5000'])
})

test('what is met may clear and set the others of its step', () => {
  const clock = new Clock()
  const entries = ['a', 'b', 'c', 'd'].map((name) => clock.entry(name, 1_000))
  clock.onMet = (entry) => {
    for (const other of entries) {
      if (other === entry) continue
      if (other.name < 'c') clock.deadlines.clear(other)
      else clock.deadlines.set(other, 3_000)
    }
  }
  clock.until(1_000)
  assert.equal(clock.met.length, 1)
  clock.onMet = () => {}
  clock.until(60_000)
  assert.deepEqual(
    clock.met.slice(1).sort(),
    ['c at 3000', 'd at 3000'].filter((it) => !clock.met[0]!.startsWith(it[0]!)),
  )
})

test('of many that are due, so many are met at a time, each once, and none is forgotten', () => {
  const clock = new Clock()
  for (let i = 0; i < 5; i++) clock.entry(`early ${i}`, 100)
  for (let i = 0; i < 3; i++) clock.entry(`late ${i}`, 600)
  const moved = clock.entry('moved', 150)
  clock.deadlines.set(moved, 100_000)
  clock.now = 1_000
  const counts: (number | boolean)[] = []
  for (let more = true; more; ) {
    more = clock.deadlines.expire(clock.now, 3)
    counts.push(clock.met.length, more)
    if (counts.length === 2) clock.entry('set meanwhile', 500)
  }
  assert.deepEqual(counts, [3, true, 6, true, 9, true, 9, false])
  assert.equal(new Set(clock.met).size, 9)
  assert.equal(clock.deadlines.count, 1)
})

test('beyond the horizon: hours are waited for', () => {
  const clock = new Clock()
  clock.entry('a', 86_400_000)
  assert.deepEqual(clock.until(100_000_000).met, ['a at 86400000'])
})

test('Infinity is never met, but may be moved to where it is', () => {
  const clock = new Clock()
  const entry = clock.entry('a', Number.POSITIVE_INFINITY)
  clock.until(1_000_000)
  assert.deepEqual(clock.met, [])
  clock.deadlines.set(entry, 1_002_000)
  assert.deepEqual(clock.until(2_000_000).met, ['a at 1002000'])
})

test('after a long sleep all that is due is met at once, the rest in its time', () => {
  const clock = new Clock()
  for (const at of [1_000, 60_000, 70_000, 3_600_000, 3_700_000]) clock.entry(String(at), at)
  clock.sleepUntil(3_650_000)
  assert.deepEqual(clock.met.map((it) => it.split(' ')[0]).sort(), ['1000', '3600000', '60000', '70000'])
  assert.deepEqual(clock.until(4_000_000).met.slice(4), ['3700000 at 3700000'])
})

test('set after a long time without entries, it is met as soon', () => {
  const clock = new Clock()
  clock.now = 10_000_000
  clock.entry('a', 10_001_000)
  assert.deepEqual(clock.sleepUntil(10_001_000).met, ['a at 10001000'])
})

const TURNS = 20_000

test(`${TURNS} random turns: as a list would have it, never early, late by a step at most`, (t) => {
  const seed = Number(process.env.PREFORK_SEED ?? randomInt(2 ** 32))
  t.diagnostic(`PREFORK_SEED=${seed}`)
  const random = numbersFrom(seed)
  const clock = new Clock(random(1_000_000))
  const model = new Map<Noted, number>()
  const entries = Array.from({ length: 50 }, (_, i) => clock.entry(String(i)))
  clock.onMet = (entry) => {
    const at = model.get(entry)
    assert.ok(at !== undefined, `${entry.name} was not waiting`)
    assert.ok(clock.now >= at, `${entry.name} met at ${clock.now}, due at ${at}`)
    model.delete(entry)
  }
  for (let turn = 0; turn < TURNS; turn++) {
    const entry = entries[random(entries.length)]!
    switch (random(4)) {
      case 0: {
        const at = clock.now + random([10, 1_000, 100_000][random(3)]!)
        clock.deadlines.set(entry, at)
        model.set(entry, at)
        break
      }
      case 1:
        clock.deadlines.clear(entry)
        model.delete(entry)
        break
      case 2:
        clock.until(clock.now + random(2_000))
        break
      default:
        if (random(20) === 0) clock.sleepUntil(clock.now + random(200_000))
        break
    }
    assert.equal(clock.deadlines.count, model.size)
    for (const [{ name }, at] of model)
      assert.ok(clock.now < at + STEP_MS, `${name}, due at ${at}, forgotten at ${clock.now}`)
  }
})

/** A small generator whose numbers follow from its seed. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stat } from '../../kernel/file.ts'
import { entityTag, isOlder, isSameVersion, isSettled } from './version.ts'

const NOW_MS = 1_700_000_000_000

/** A file whose content and inode changed so many milliseconds before now. */
function changed(mtimeAgeMs: number, ctimeAgeMs = mtimeAgeMs, facts: Partial<Stat> = {}): Stat {
  const [mtime, ctime] = [mtimeAgeMs, ctimeAgeMs].map((age) => NOW_MS - age)
  return Object.assign(new Stat(), {
    size: 5,
    mtimeSeconds: Math.floor(mtime! / 1_000),
    mtimeNanoseconds: (mtime! % 1_000) * 1_000_000,
    ctimeSeconds: Math.floor(ctime! / 1_000),
    ctimeNanoseconds: (ctime! % 1_000) * 1_000_000,
    ...facts,
  })
}

test('any difference is another version', () => {
  const facts = { size: 1, dev: 2, ino: 3, mtimeSeconds: 4, mtimeNanoseconds: 5, ctimeSeconds: 6, ctimeNanoseconds: 7 }
  const one = Object.assign(new Stat(), facts)
  assert.equal(isSameVersion(one, Object.assign(new Stat(), facts)), true)
  for (const fact of Object.keys(facts)) {
    assert.equal(isSameVersion(one, Object.assign(new Stat(), facts, { [fact]: 9 })), false, fact)
  }
})

test('what has only just changed is not settled', () => {
  assert.equal(isSettled(changed(1), NOW_MS), false)
  assert.equal(isSettled(changed(99), NOW_MS), false)
  assert.equal(isSettled(changed(101), NOW_MS), true)
})

test('nor is what has just got another name or an old time: ctime tells', () => {
  assert.equal(isSettled(changed(86_400_001, 1), NOW_MS), false)
  assert.equal(isSettled(changed(86_400_001, 101), NOW_MS), true)
})

test('where times have no fractions, two seconds are a tick', () => {
  assert.equal(isSettled(changed(1_000), NOW_MS), false)
  assert.equal(isSettled(changed(3_000), NOW_MS), true)
})

test('a clock that was set back trusts nothing younger than itself', () => {
  assert.equal(isSettled(changed(-3_599_001), NOW_MS), false)
})

test('a time of the future that was set by hand is no change', () => {
  assert.equal(isSettled(changed(-86_400_001, 101), NOW_MS), true)
})

test('the tag tells length, second and nanosecond apart, and nothing else', () => {
  const stat = (size: number, mtimeSeconds: number, mtimeNanoseconds = 0) =>
    Object.assign(new Stat(), { size, mtimeSeconds, mtimeNanoseconds })
  const tags = [stat(1, 2, 3), stat(2, 2, 3), stat(1, 3, 3), stat(1, 2, 4), stat(0x12, 3), stat(1, 0x23)].map((it) =>
    entityTag(it, NOW_MS),
  )
  assert.equal(new Set(tags).size, tags.length)
  assert.ok(tags.every((tag) => /^"[0-9a-f.-]+"$/.test(tag)))
  assert.equal(entityTag(Object.assign(stat(1, 2, 3), { ino: 7, dev: 8, ctimeSeconds: 9 }), NOW_MS), tags[0])
})

test('the tag is weak within the tick of the change, when another one would not show', () => {
  const strong = entityTag(changed(101), NOW_MS)
  assert.match(strong, /^"/)
  assert.equal(entityTag(changed(101), NOW_MS - 50), `W/${strong}`)
  assert.match(entityTag(changed(1_000), NOW_MS), /^W\//)
  assert.match(entityTag(changed(-1), NOW_MS), /^"/)
})

test('older is what was changed before', () => {
  assert.equal(isOlder(changed(5), changed(4)), true)
  assert.equal(isOlder(changed(1_000), changed(0)), true)
  assert.equal(isOlder(changed(4), changed(4)), false)
  assert.equal(isOlder(changed(4), changed(5)), false)
  assert.equal(isOlder(changed(4, 9), changed(4, 5)), false)
  const at = (mtimeSeconds: number, mtimeNanoseconds: number) =>
    Object.assign(new Stat(), { mtimeSeconds, mtimeNanoseconds })
  assert.equal(isOlder(at(7, 1), at(7, 2)), true)
  assert.equal(isOlder(at(7, 0), at(7, 2)), false, 'whole seconds are compared with whole seconds')
  assert.equal(isOlder(at(6, 0), at(7, 2)), true)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stat } from '../../kernel/file.ts'
import { KNOWN_FILES_MAX, KnownFile, KnownFiles } from './known-files.ts'

function stat(size: number, mtimeSeconds: number, mtimeNanoseconds = 0): Stat {
  return Object.assign(new Stat(), { size, mtimeSeconds, mtimeNanoseconds })
}

function updated(facts: Stat): KnownFile {
  const file = new KnownFile('a.txt')
  file.update(facts)
  return file
}

test('the tag tells length, second and nanosecond apart, and nothing else', () => {
  const tags = [stat(1, 2, 3), stat(2, 2, 3), stat(1, 3, 3), stat(1, 2, 4), stat(0x12, 3), stat(1, 0x23)].map(
    (s) => updated(s).etag,
  )
  assert.equal(new Set(tags).size, tags.length)
  assert.equal(updated(Object.assign(stat(1, 2, 3), { ino: 7, dev: 8 })).etag, tags[0])
})

test('an unchanged file keeps its fields, a changed one gets others', () => {
  const file = updated(stat(1, 2, 3))
  const { fields } = file
  file.update(stat(1, 2, 3))
  assert.equal(file.fields, fields)
  file.update(stat(1, 2, 4))
  assert.notDeepEqual(file.fields, fields)
})

test('a file from the future is said to be of now', () => {
  const before = Date.now()
  const { lastModifiedMs } = updated(stat(1, before / 1_000 + 86_400))
  assert.ok(lastModifiedMs >= before && lastModifiedMs <= Date.now())
})

test('memory is bounded: the oldest is forgotten, long paths are not kept', () => {
  const known = new KnownFiles()
  const file = new KnownFile('a.txt')
  for (let i = 0; i <= KNOWN_FILES_MAX; i++) known.keep(`/${i}`, file)
  assert.equal(known.count, KNOWN_FILES_MAX)
  assert.equal(known.find('/0'), undefined)
  assert.equal(known.find(`/${KNOWN_FILES_MAX}`), file)
  known.keep(`/${'x'.repeat(1_000)}`, file)
  assert.equal(known.find(`/${'x'.repeat(1_000)}`), undefined)
  assert.equal(known.find('/1'), file)
})

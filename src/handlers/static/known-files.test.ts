import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stat } from '../../kernel/file.ts'
import { KnownFile } from './known-file.ts'
import { KnownFiles, PATHS_PER_FILE_MAX } from './known-files.ts'

const SAID = { type: 'text/plain; charset=utf-8', coding: null, cacheControl: null, varies: true }
const LONG_AGO = { mtimeSeconds: 1_000_000_000, ctimeSeconds: 1_000_000_000 }
const CONTENT_BYTES = 10_000

function stat(facts: Partial<Stat> = {}): Stat {
  return Object.assign(new Stat(), { size: 5, ...LONG_AGO, ...facts })
}

function fileOf(name: string, lookedAtMs = 0): KnownFile {
  return new KnownFile(name, SAID, stat(), lookedAtMs)
}

/** A file with content, kept under its own path. */
function keptIn(known: KnownFiles, name: string): KnownFile {
  const file = fileOf(name)
  known.keep(`/${name}`, file, true)
  file.identity.keep(Buffer.alloc(CONTENT_BYTES))
  known.weigh(file)
  return file
}

test('an unchanged file keeps its representation, a changed one gets another', () => {
  const file = fileOf('a.txt')
  const { identity } = file
  file.update(stat(), 1)
  assert.equal(file.identity, identity)
  assert.equal(file.lookedAtMs, 1)
  const br = file.compressed('br')
  file.siblings.set('gzip', { representation: null, lookedAtMs: 0 })
  assert.equal(file.compressed('br'), br)
  file.update(stat({ ino: 9 }), 2)
  assert.notEqual(file.identity, identity)
  assert.notEqual(file.compressed('br'), br)
  assert.equal(file.siblings.size, 0)
})

test('a file that has only just changed is looked at again', () => {
  const now = Math.floor(Date.now() / 1_000)
  const known = new KnownFiles({ cacheMs: 1_000, cacheBytes: 1e6 })
  const file = new KnownFile('a.txt', SAID, stat({ ctimeSeconds: now + 1 }), 0)
  known.keep('/a.txt', file, true)
  assert.equal(known.isFresh(known.find('/a.txt')!, 0), false)
  assert.match(file.identity.etag, /^"/)
})

test('a file from the future is said to be of now', () => {
  const before = Date.now()
  const file = new KnownFile('a.txt', SAID, stat({ mtimeSeconds: before / 1_000 + 86_400 }), 0)
  const { lastModifiedMs } = file.identity
  assert.ok(lastModifiedMs >= before && lastModifiedMs <= Date.now())
})

test('what is known counts for so long after a look at the file, or at the path that led there', () => {
  const known = new KnownFiles({ cacheMs: 1_000, cacheBytes: 1e6 })
  const file = fileOf('a.txt', 100)
  known.keep('/a.txt', file, true)
  known.keep('/stands/in', file, false)
  const fresh = (path: string, nowMs: number) => known.isFresh(known.find(path)!, nowMs)
  assert.deepEqual([fresh('/a.txt', 1_099), fresh('/a.txt', 1_100)], [true, false])
  assert.deepEqual([fresh('/stands/in', 1_099), fresh('/stands/in', 1_100)], [true, false])
  file.update(stat(), 500)
  assert.deepEqual([fresh('/a.txt', 1_499), fresh('/a.txt', 1_500)], [true, false])
  assert.equal(fresh('/stands/in', 1_100), false, 'nobody has looked whether another file stands there now')
  known.keep('/stands/in', file, false)
  assert.equal(fresh('/stands/in', 1_499), true)
})

test('without time nothing is fresh', () => {
  const known = new KnownFiles({ cacheMs: 0, cacheBytes: 1e6 })
  known.keep('/a.txt', fileOf('a.txt', 7), true)
  assert.equal(known.isFresh(known.find('/a.txt')!, 7), false)
})

test('memory is bounded, and what is asked for stays', () => {
  const known = new KnownFiles({ cacheMs: 1_000, cacheBytes: 20 * CONTENT_BYTES })
  keptIn(known, 'hot')
  for (let i = 0; i < 1_000; i++) {
    keptIn(known, `cold-${i}`)
    assert.ok(known.bytes <= 20 * CONTENT_BYTES)
    assert.notEqual(known.find('/hot'), undefined, `${i}`)
  }
  assert.ok(known.count > 10 && known.count < 20, `${known.count}`)
  assert.equal(known.find('/cold-0'), undefined)
  assert.equal(known.file('cold-0'), undefined)
  assert.notEqual(known.find('/cold-999'), undefined)
})

test('a file larger than all memory, and any file without memory, is not kept', () => {
  for (const cacheBytes of [CONTENT_BYTES, 0]) {
    const known = new KnownFiles({ cacheMs: 1_000, cacheBytes })
    keptIn(known, 'a')
    assert.deepEqual([known.count, known.bytes, known.find('/a')], [0, 0, undefined])
  }
})

test('what is forgotten counts for nothing, whatever comes of it later', () => {
  const known = new KnownFiles({ cacheMs: 1_000, cacheBytes: 2 * CONTENT_BYTES })
  const first = keptIn(known, 'a')
  keptIn(known, 'b')
  assert.equal(known.find('/a'), undefined)
  const { bytes } = known
  first.compressed('br').keep(Buffer.alloc(5_000)) // a compression that ended late
  known.weigh(first)
  assert.equal(known.bytes, bytes)
  known.forgetAll()
  assert.deepEqual([known.count, known.bytes, known.find('/b')], [0, 0, undefined])
})

test('all that is kept of a file is weighed', () => {
  const known = new KnownFiles({ cacheMs: 1_000, cacheBytes: 1e6 })
  const file = fileOf('a.txt')
  known.keep('/a.txt', file, true)
  const weights = [known.bytes]
  const more = (act: () => void) => {
    act()
    known.weigh(file)
    weights.push(known.bytes)
  }
  more(() => file.identity.keep(Buffer.alloc(1_000)))
  more(() => file.compressed('br').keep(Buffer.alloc(300)))
  more(() => known.keep(`/${'p'.repeat(100)}`, file, false))
  const [first, ...grown] = weights.map((weight, at) => weight - (weights[at - 1] ?? 0))
  assert.ok(first! > 1_000, `${first}`)
  assert.ok(grown[0]! > 1_000 && grown[1]! > 300 && grown[2]! > 100, `${grown}`)
})

test('paths without end that lead to one file are not all remembered', () => {
  const known = new KnownFiles({ cacheMs: 1_000, cacheBytes: 1e6 })
  const file = fileOf('index.html')
  known.keep('/index.html', file, true)
  const { bytes } = known
  for (let i = 0; i < 10_000; i++) known.keep(`/deep/link/${i}`, file, false)
  const remembered = Array.from({ length: 10_000 }, (_, i) => known.find(`/deep/link/${i}`)).filter(Boolean)
  assert.equal(remembered.length, PATHS_PER_FILE_MAX)
  assert.ok(known.bytes - bytes < PATHS_PER_FILE_MAX * 300)
  known.keep(`/${'x'.repeat(1_000)}`, file, true)
  assert.equal(known.find(`/${'x'.repeat(1_000)}`), undefined)
})

test('a path that comes to lead to another file is that one’s', () => {
  const known = new KnownFiles({ cacheMs: 1_000, cacheBytes: 1e6 })
  const [a, b] = [fileOf('a.html'), fileOf('b.html')]
  known.keep('/page', a, false)
  known.keep('/page', b, false)
  assert.equal(known.find('/page')!.file, b)
  assert.deepEqual([a.paths, b.paths], [[], ['/page']])
  known.keep('/page', b, true)
  assert.equal(known.find('/page')!.isOwn, true)
  assert.deepEqual(b.paths, ['/page'])
})

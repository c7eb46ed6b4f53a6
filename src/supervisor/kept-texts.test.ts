/** Which generation has room for the texts of its certificates, and for how long. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { TlsConfig } from '../config/options.ts'
import { isOpen } from '../kernel/fd.ts'
import { KeptTexts } from './kept-texts.ts'
import { configOf } from './listening.test.support.ts'
import { createGeneration, type Generation } from './roster.ts'

const generation = (number: number, tls: object | null = {}): Generation =>
  createGeneration(number, configOf({ tls: tls as TlsConfig | null }))

function keptFor(t: TestContext, first: Generation): KeptTexts {
  const kept = new KeptTexts(first)
  t.after(() => kept.close())
  return kept
}

test('each generation has its own until another serves', (t) => {
  const [old, next] = [generation(1), generation(2)]
  const kept = keptFor(t, old)
  const fd = kept.of(old)!
  assert.equal(kept.open(next), null)
  assert.equal(kept.of(old), fd, 'it bears workers still')
  assert.notEqual(kept.of(next), fd)
  kept.closeOthers(next)
  assert.equal(kept.of(old), null)
  assert.equal(isOpen(fd), false)
  assert.equal(isOpen(kept.of(next)!), true)
})

test('one whose reload has failed leaves nothing behind, and the old one has its own still', (t) => {
  const [old, failed] = [generation(1), generation(2)]
  const kept = keptFor(t, old)
  kept.open(failed)
  const [ours, theirs] = [kept.of(old)!, kept.of(failed)!]
  kept.closeOthers(old)
  assert.deepEqual([isOpen(ours), isOpen(theirs)], [true, false])
  assert.equal(kept.open(generation(2)), null)
  kept.close()
  assert.equal(isOpen(ours), false)
})

test('without TLS there is none', (t) => {
  const [old, next] = [generation(1, null), generation(2, null)]
  const kept = keptFor(t, old)
  assert.equal(kept.open(next), null)
  assert.deepEqual([kept.of(old), kept.of(next)], [null, null])
})

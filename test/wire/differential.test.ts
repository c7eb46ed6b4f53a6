/**
 * Our reading of requests against llhttp's, Node's own: the whole corpus, then a million requests damaged at random. Where
 * the two differ the difference is one of a class that classes.ts explains, or the test fails with the bytes.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { damaged, namesIn, originals, requestFile } from '../../src/http/damage.test.support.ts'
import { seededRandom } from '../support/random.ts'
import { CLASSES } from './classes.ts'
import { readWithLlhttp } from './llhttp.ts'
import { type Difference, differencesOf, type Reading, readWithOurs } from './reading.ts'

const MUTATIONS = 1_000_000

/** How often each class has been met. */
const met = new Map(CLASSES.map(({ name }) => [name, 0]))
let alike = 0

function compare(bytes: Buffer, which: () => string): void {
  const differences = differencesOf(bytes, readWithOurs(bytes), readWithLlhttp(bytes))
  if (differences.length === 0) alike += 1
  for (const difference of differences) {
    const fitting = CLASSES.find((it) => it.is(difference))
    if (fitting === undefined)
      assert.fail(`${which()}: ${told(difference)}\n${JSON.stringify(bytes.toString('latin1'))}`)
    met.set(fitting.name, met.get(fitting.name)! + 1)
  }
}

function told({ about, index, ours, theirs }: Difference): string {
  const reading = ({ requests, end, why }: Reading) => `${JSON.stringify(requests)} ${end} ${why}`
  return `they differ in "${about}" of request ${index + 1}\nours: ${reading(ours)}\nllhttp: ${reading(theirs)}`
}

for (const folder of ['accepted', 'refused']) {
  test(`the requests of ${folder}/ are read as llhttp reads them, or the difference is a known one`, () => {
    for (const name of namesIn(folder)) compare(requestFile(folder, name), () => name)
  })
}

test('each class of difference is shown by a file', () => {
  assert.deepEqual(
    [...met].filter(([, times]) => times === 0).map(([name]) => name),
    [],
  )
})

test(`so are ${MUTATIONS} damaged requests`, (t) => {
  const random = seededRandom(t)
  const from = originals()
  alike = 0
  for (let i = 0; i < MUTATIONS; i++) compare(damaged(from, random), () => `turn ${i}`)
  t.diagnostic(`${alike} of ${MUTATIONS} are read alike, the others differ in ${met.size} known ways`)
})

test('no class lets two readers part', () => {
  const reading: Reading = { requests: [], end: 'waiting', why: '' }
  const parting = ['method', 'target', 'version', 'body'] as const
  for (const about of parting) {
    for (const text of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n']) {
      const difference: Difference = { about, index: 0, before: '', text, ours: reading, theirs: reading }
      assert.equal(CLASSES.find((it) => it.is(difference))?.name, undefined)
    }
  }
})

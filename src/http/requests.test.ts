import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../test/support/random.ts'
import { damaged, namesIn, originals, requestFile } from './damage.test.support.ts'
import { check, play } from './play.test.support.ts'
import { REFUSALS } from './refusals.ts'
import { ACCEPTED, REFUSED } from './requests.test.support.ts'

const MUTATIONS = 3_000

for (const [folder, stories] of [
  ['accepted', ACCEPTED],
  ['refused', REFUSED],
] as const) {
  test(`every file of ${folder}/ has its story, and every story its file`, () => {
    assert.deepEqual(namesIn(folder).sort(), Object.keys(stories).sort())
  })
  for (const [name, story] of Object.entries(stories)) {
    test(`${folder}: ${name.replaceAll('-', ' ')}`, () => check(requestFile(folder, name), story))
  }
}

test('every reason to refuse a request is shown by a file, but for those a clock gives', () => {
  const shown = new Set(Object.values(REFUSED).map((story) => story.slice(story.lastIndexOf(' ') + 1)))
  const missing = Object.keys(REFUSALS).filter((name) => !shown.has(name))
  assert.deepEqual(missing, ['HEAD_LATE', 'BODY_LATE'])
})

test(`${MUTATIONS} damaged requests tell one story however they are cut`, (t) => {
  const random = seededRandom(t)
  const from = originals()
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = damaged(from, random)
    const whole = play(bytes, [])
    const cuts = Array.from({ length: 1 + random(4) }, () => random(bytes.length + 1)).sort((a, b) => a - b)
    const say = () => `turn ${i}: ${JSON.stringify(bytes.toString('latin1'))} cut at ${cuts}`
    assert.deepEqual(play(bytes, cuts), whole, say())
    const everywhere = Array.from(bytes, (_, at) => at)
    assert.deepEqual(play(bytes, everywhere), whole, say())
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../test/support/random.ts'
import { type Placed, Places } from './places.ts'

class One implements Placed {
  place = -1
}

test('it holds whoever has been added and not deleted, each once', (t) => {
  const random = seededRandom(t)
  const places = new Places<One>()
  const there = new Set<One>()
  for (let i = 0; i < 10_000; i++) {
    const all = [...there]
    const one = all.length === 0 ? undefined : all[random(all.length)]
    if (one !== undefined && random(2) === 0) {
      places.delete(one)
      there.delete(one)
      assert.equal(one.place, -1)
    } else if (there.size < 20) {
      const another = new One()
      places.add(another)
      there.add(another)
    }
    assert.equal(places.size, there.size)
  }
  assert.deepEqual(new Set(places), there)
  assert.equal([...places].length, there.size)
})

test('whoever goes while it is looked through is met all the same, and nobody twice', () => {
  const places = new Places<One>()
  for (let i = 0; i < 5; i++) places.add(new One())
  const met: One[] = []
  for (const one of places) {
    met.push(one)
    places.delete(one)
  }
  assert.equal(new Set(met).size, 5)
  assert.equal(places.size, 0)
})

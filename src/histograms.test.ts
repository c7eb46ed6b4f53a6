import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BOUNDS, Histograms, type Measured } from './histograms.ts'
import { close } from './kernel/fd.ts'
import { Scoreboard } from './scoreboard.ts'

function create(t: TestContext) {
  const { fd } = Scoreboard.create()
  t.after(() => close(fd))
  return { histograms: Histograms.create(fd), another: Histograms.attach(fd) }
}

test('each counts in its own row, and the rows are one sum, in every process', (t) => {
  const { histograms, another } = create(t)
  const [first, second] = [histograms.row(0), another.row(4095)]
  for (const seconds of [0, 0.005, 0.0051, 10, 11]) first.observe('acceptQueueSeconds', seconds)
  second.observe('acceptQueueSeconds', 0.3)
  const { bounds, counts, sum } = another.sumOf('acceptQueueSeconds', 4096)
  assert.deepEqual(bounds, BOUNDS.acceptQueueSeconds)
  const at = (bound: number) => counts[(bounds as readonly number[]).indexOf(bound)]
  assert.deepEqual([at(0.005), at(0.01), at(0.5), at(10), counts.at(-1)], [2, 1, 1, 1, 1])
  assert.equal(
    counts.reduce((all, count) => all + count, 0),
    6,
  )
  assert.ok(Math.abs(sum - 21.3101) < 1e-9)
  assert.equal(
    histograms.sumOf('acceptQueueSeconds', 1).counts.reduce((all, count) => all + count, 0),
    5,
  )
})

test('no kind counts in another’s place, and no row in its neighbour’s', (t) => {
  const { histograms } = create(t)
  const kinds = Object.keys(BOUNDS) as Measured[]
  for (const row of [0, 1, 2]) {
    for (const kind of kinds) {
      for (const seconds of [0, ...BOUNDS[kind], Number.MAX_SAFE_INTEGER]) histograms.row(row).observe(kind, seconds)
    }
  }
  for (const kind of kinds) {
    const { counts } = histograms.sumOf(kind, 3)
    assert.deepEqual(counts, [6, ...counts.slice(1).map(() => 3)], kind)
  }
})

test('who takes a row goes on where the last one was', (t) => {
  const { histograms } = create(t)
  histograms.row(3).observe('requestSeconds', 1)
  histograms.row(3).observe('requestSeconds', 1)
  assert.equal(histograms.sumOf('requestSeconds', 4).sum, 2)
})

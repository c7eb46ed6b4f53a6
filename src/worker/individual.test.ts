/**
 * Becoming an individual. A test's own process has threads and must not fork:
 * test/fixtures/individual.ts forks, and prints what each child drew.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { Story } from '../../test/fixtures/individual.ts'

const fixture = join(import.meta.dirname, '../../test/fixtures/individual.js')
const DEADLINE_MS = 60_000

let story: Story

before(() => {
  const args = ['--single-threaded', '--v8-pool-size=0', fixture]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: DEADLINE_MS })
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  story = JSON.parse(stdout) as Story
})

test('without it children repeat each other: the fixture can tell', () => {
  const [one, other] = story.twins
  assert.deepEqual(one!.random, other!.random)
  assert.equal(one!.uuids[0], other!.uuids[0])
  assert.equal(one!.integers[0], other!.integers[0])
  assert.equal(one!.pid, story.parent)
})

test('process.pid is the child’s own', () => {
  for (const { pid, realPid } of story.individuals) assert.equal(pid, realPid)
})

for (const what of ['random', 'uuids', 'integers'] as const) {
  test(`no two children draw the same ${what}, nor what the parent drew`, () => {
    const drawn = [...story.individuals.flatMap((child) => child[what].map(String)), ...story.drawn[what].map(String)]
    assert.equal(new Set(drawn).size, drawn.length)
  })

  test(`nor where the parent has spent what was fetched ahead: ${what}`, () => {
    const drawn = story.heirs.flatMap((child) => child[what].map(String))
    assert.equal(new Set(drawn).size, drawn.length)
  })
}

test('the parent sees when bytes are fetched, so that its children need not spend any', () => {
  assert.ok(story.isSpent)
})

test('Math.random is uniform in [0, 1)', () => {
  const { least, greatest, mean, buckets } = story.quality
  assert.ok(least >= 0 && greatest < 1)
  assert.ok(Math.abs(mean - 0.5) < 0.005, `mean ${mean}`) // 100,000 numbers: 5 standard errors
  for (const share of buckets) assert.ok(Math.abs(share - 0.1) < 0.005, `a tenth holds ${share}`)
})

test('process.exit tells its listeners, and ends the child with its code', () => {
  assert.deepEqual(story.exits, [
    { exitCode: 3, told: 'exit 3' },
    { exitCode: 4, told: 'exit 4' },
    { exitCode: 0, told: 'exit 0' },
  ])
})

/**
 * What an answer costs in memory that has to be collected again, and in calls of
 * foreign functions: no more than bench/budget.mjs has. Bytes are counted by V8, in
 * a process for each piece of the way (bench/micro/measure.mjs). No time is taken.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const load = (path: string) => import(pathToFileURL(`bench/${path}.mjs`).href)
const { FOREIGN_CALLS, HEAP_BYTES, HEAP_MARGIN, heapBytesMax } = await load('budget')
const { measureApart } = await load('micro/measure')
const { OPERATIONS } = await load('micro/operations')

/** The least of so many processes counts: V8 may compile a function twice, or late. */
const ATTEMPTS = 3

for (const name of Object.keys(HEAP_BYTES)) {
  test(`${name} allocates no more than the budget has`, (t) => {
    const max = heapBytesMax(name) * HEAP_MARGIN
    const seen: number[] = []
    while (seen.length < ATTEMPTS && !seen.some((bytes) => bytes <= max)) seen.push(measureApart(name, 'bytes').bytes)
    t.diagnostic(`${seen.join(', ')} bytes, budget ${heapBytesMax(name)}`)
    assert.ok(Math.min(...seen) <= max, `${seen.join(', ')} bytes a request, not ${heapBytesMax(name)}`)
    assert.equal(Math.min(...seen) > 0, max > 0, 'it was measured at all')
  })
}

/** What is only there to be looked at (`npm run bench:micro`) breaks unseen. */
for (const name of Object.keys(OPERATIONS).filter((it) => !(it in HEAP_BYTES) && !(it in FOREIGN_CALLS))) {
  test(`${name}, of which nothing is promised, can be measured`, () => {
    assert.equal(typeof measureApart(name, 'calls').calls, 'object')
  })
}

for (const [name, calls] of Object.entries(FOREIGN_CALLS)) {
  test(`${name} calls the foreign functions that the budget has`, () => {
    assert.deepEqual(measureApart(name, 'calls').calls, calls)
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkerLine, WorkerReport } from '../channel.ts'
import { PretendService, request } from './pretend-service.test.support.ts'
import { shareOf, tireAfter } from './recycle.ts'

/** A line that remembers what was said. */
function keptLine(): { line: WorkerLine; said: WorkerReport[] } {
  const said: WorkerReport[] = []
  const line = { send: (word: WorkerReport) => said.push(word) > 0 }
  return { line: line as unknown as WorkerLine, said }
}

test('a share is the number asked for, a tenth more or less', () => {
  assert.equal(shareOf(1_000, 0), 900)
  assert.equal(shareOf(1_000, 0.5), 1_000)
  assert.equal(shareOf(1_000, 1 - Number.EPSILON), 1_100)
  assert.equal(shareOf(1, 0), 1)
})

test('a worker that has had its share says so, serves on, and says so again', async (t) => {
  const it = new PretendService(t, () => ({ status: 200, fields: [], body: null }))
  const { line, said } = keptLine()
  tireAfter(10, it.service, line)
  const { client } = it.connect()
  for (const [requests, times] of [
    [8, 0],
    [8, 1],
    [8, 2],
  ] as const) {
    client.send(request('GET /').repeat(requests))
    await it.round()
    assert.equal(client.receive().text.split('200 OK').length - 1, requests)
    assert.equal(said.length, times)
  }
  assert.match(JSON.stringify(said[0]), /"tired","why":"has answered its share of requests \((9|10|11)\)"/)
})

test('a worker that is ending has nothing to say, nor one without a share', async (t) => {
  for (const share of [1, Number.MAX_SAFE_INTEGER]) {
    const it = new PretendService(t, () => ({ status: 200, fields: [], body: null }))
    const { line, said } = keptLine()
    tireAfter(share, it.service, line)
    it.service.isEnding = share === 1
    const { client } = it.connect()
    client.send(request('GET /'))
    await it.round()
    assert.deepEqual(said, [])
  }
})

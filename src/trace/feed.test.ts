import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HELD_MS, TraceFeed } from './feed.ts'
import type { TraceRecord } from './records.ts'
import type { Packet } from './stories.ts'

test('records and packets come in the order of their times, but for the last moment', () => {
  const records: number[] = []
  const packets: number[] = []
  const told: string[] = []
  const swept: number[] = []
  const feed = new TraceFeed({
    readRecords: (on) => {
      for (const atMs of records.splice(0)) on({ atMs } as TraceRecord)
    },
    readPackets: (on) => {
      for (const atMs of packets.splice(0)) on({ atMs } as Packet)
    },
    stories: {
      takeRecord: ({ atMs }) => told.push(`record ${atMs}`),
      takePacket: ({ atMs }) => told.push(`packet ${atMs}`),
      sweep: (nowMs) => swept.push(nowMs),
    },
  })
  const now = 10_000
  records.push(now - HELD_MS - 3, now - HELD_MS - 1, now - 1)
  packets.push(now - HELD_MS - 2, now - HELD_MS + 1)
  feed.poll(now)
  assert.deepEqual(told.splice(0), ['record 9977', 'packet 9978', 'record 9979'])
  records.push(now - 10) // another worker was later to publish
  feed.poll(now + HELD_MS)
  assert.deepEqual(told.splice(0), ['packet 9981', 'record 9990', 'record 9999'])
  packets.push(now + 500)
  feed.finish()
  assert.deepEqual(told, ['packet 10500'])
  assert.deepEqual(swept, [now], 'once a second')
})

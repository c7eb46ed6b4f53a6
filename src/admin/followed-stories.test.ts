import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { ANSWER_MS, receivePacket, sendPacket } from '../control/protocol.ts'
import { AF_UNIX, SOCK_NONBLOCK, SOCK_SEQPACKET } from '../kernel/constants.ts'
import { close } from '../kernel/fd.ts'
import { socketpair } from '../kernel/socket.ts'
import { encodeAddress, RECORD, type RecordKind } from '../trace/records.ts'
import { type RingWriter, TraceRings } from '../trace/rings.ts'
import { FollowedStories, STORIES_MAX } from './followed-stories.ts'
import { stillLoop } from './still-loop.test.support.ts'

/** Stories, the supervisor's end of their line, its rings, and timers that come when they are told to. */
function scene(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  const [supervisor, ours] = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK)
  const rings = TraceRings.create()
  t.after(() => [supervisor, ours, rings.fd].forEach(close))
  const { loop, deadlines } = stillLoop()
  let isGone = false
  const stories = new FollowedStories(ours, loop, () => {
    isGone = true
  })
  const asked = () => (receivePacket(supervisor) as { type: string } | null)?.type ?? null
  const handOver = () => {
    const fd = rings.openForReading()
    assert.ok(sendPacket(supervisor, { type: 'watching', packetsMissing: 'EPERM', ports: [80] }, [fd]))
    close(fd)
    stories.onReady()
  }
  const done = () => {
    assert.ok(sendPacket(supervisor, { type: 'done', message: '' }))
    stories.onReady()
  }
  t.after(() => stories.watch(false))
  return {
    stories,
    supervisor,
    rings,
    deadlines,
    asked,
    handOver,
    done,
    isGone: () => isGone,
    pass: (ms: number) => t.mock.timers.tick(ms),
  }
}

function write(writer: RingWriter, port: number, kind: RecordKind, a = 0, text = ''): void {
  const address = encodeAddress({ family: 'IPv4', address: '192.0.2.1', port }, 80)
  writer.write(port, kind, { pid: 7, slot: 0, generation: 1, fd: port, address }, a, 0, 0, 0, text)
}

test('while somebody looks stories are followed: headlines, the newest first, and each with its steps', (t) => {
  const { stories, rings, asked, handOver, done, pass } = scene(t)
  stories.watch(true)
  assert.equal(asked(), 'watch')
  assert.deepEqual(stories.newest(10), [])
  handOver()
  assert.match(String(stories.coverage.packets), /CAP_NET_RAW/)
  const writer = rings.writer(0)
  write(writer, 1000, RECORD.accepted)
  write(writer, 1001, RECORD.request, 0, 'GET /a')
  write(writer, 1001, RECORD.response, 204)
  pass(100)
  const [newest, ...others] = stories.newest(10)
  assert.deepEqual([newest!.client, newest!.lastRequest, newest!.lastStatus], ['192.0.2.1:1001', 'GET /a', 204])
  assert.equal(others.length, 1)
  assert.equal(stories.newest(1).length, 1)
  const { steps } = stories.story(newest!.id)!
  assert.deepEqual(
    steps.map(({ text }) => text),
    ['Received request: GET /a', 'Response: 204'],
  )
  assert.equal(stories.story(99), null)

  stories.watch(false)
  assert.equal(asked(), 'unwatch')
  done()
  assert.deepEqual(stories.newest(10), [], 'nothing is kept')
})

test('only the newest are kept', (t) => {
  const { stories, rings, handOver, pass } = scene(t)
  stories.watch(true)
  handOver()
  const writer = rings.writer(0)
  for (let port = 1; port <= STORIES_MAX + 5; port++) write(writer, port, RECORD.accepted)
  pass(100)
  assert.equal(stories.newest(Number.POSITIVE_INFINITY).length, STORIES_MAX)
  assert.equal(stories.story(5), null)
  assert.notEqual(stories.story(6), null)
})

test('who stops looking before the answer, and who looks again, end where they wanted to be', (t) => {
  const { stories, asked, handOver, done } = scene(t)
  const before = readdirSync('/proc/self/fd').length
  stories.watch(true)
  stories.watch(false)
  assert.equal(asked(), 'watch')
  assert.equal(asked(), null, 'one question at a time')
  handOver()
  assert.equal(asked(), 'unwatch')
  assert.equal(readdirSync('/proc/self/fd').length, before, 'what came is closed')
  stories.watch(true)
  done()
  assert.equal(asked(), 'watch')
  handOver()
  assert.equal(asked(), null)
})

test('with other listeners it asks anew, and goes on with the stories it has', (t) => {
  const { stories, rings, asked, handOver, pass } = scene(t)
  stories.watch(true)
  asked()
  handOver()
  write(rings.writer(0), 1000, RECORD.accepted)
  pass(100)
  rings.tellOfListeners()
  pass(100)
  assert.equal(asked(), 'watch')
  handOver()
  assert.equal(stories.newest(10).length, 1)
  pass(100)
  assert.equal(asked(), null)
})

test('a supervisor that is short of descriptors is asked again a second later', (t) => {
  const { stories, supervisor, asked, pass } = scene(t)
  stories.watch(true)
  asked()
  sendPacket(supervisor, { type: 'failed', message: 'EMFILE' })
  stories.onReady()
  assert.equal(asked(), null)
  pass(1_000)
  assert.equal(asked(), 'watch')
})

test('no answer in time, or no supervisor: nothing more will come', (t) => {
  const { stories, deadlines, isGone } = scene(t)
  stories.watch(true)
  deadlines.expire(ANSWER_MS - 1_000)
  assert.equal(isGone(), false)
  deadlines.expire(ANSWER_MS + 1_000)
  assert.equal(isGone(), true)
})

test('where some are not followed it is not said of one that nobody has accepted it', (t) => {
  const { stories, rings, handOver, pass } = scene(t)
  stories.watch(true)
  handOver()
  const writer = rings.writer(0)
  write(writer, 1000, RECORD.accepted)
  pass(100)
  writer.countNotFollowed()
  assert.equal(stories.newest(10).length, 1, 'it was accepted')
  assert.equal(stories.coverage.notFollowed, 1)
})

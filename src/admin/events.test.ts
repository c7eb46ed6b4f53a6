import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reply } from '../handlers/handler.ts'
import { Events, PAGES_MAX } from './events.ts'

/** Looks that a test answers, and readers that read when it says so. */
function scene() {
  const looks: { answer(text: string): void; fail(error: Error): void }[] = []
  const watched: boolean[] = []
  const events = new Events({
    look: () => new Promise((answer, fail) => looks.push({ answer, fail })),
    onWatched: (isWatched) => watched.push(isWatched),
    fields: [],
  })
  return { events, looks, watched, open: () => readerOf(events.reply('GET')) }
}

function readerOf({ body }: Reply) {
  assert.ok(body !== null && typeof body === 'object' && 'stream' in body)
  const reader = body.stream.getReader()
  const read = async () => Buffer.from((await reader.read()).value!).toString()
  return { read, leave: () => reader.cancel() }
}

/** Promises that are settled have had their turn. */
const settled = () => new Promise(setImmediate)

test('every page is told what one look has found', async () => {
  const { events, looks, open } = scene()
  const [first, second] = [open(), open()]
  assert.equal(await first.read(), 'retry: 1000\n\n', 'it is heard at once')
  await second.read()
  const next = [first.read(), second.read()]
  assert.equal(looks.length, 1)
  looks[0]!.answer('{"a":1}')
  for (const event of next) assert.equal(await event, 'event: status\nretry: 1000\ndata: {"a":1}\n\n')
  await Promise.all([first.leave(), second.leave()])
  assert.equal(events.pages, 0)
})

test('one look at a time, and none when there is no page', async () => {
  const { events, looks, watched, open } = scene()
  const page = open()
  events.look()
  events.look()
  assert.equal(looks.length, 1, 'the first is still under way')
  assert.deepEqual(watched, [true])
  await page.leave()
  assert.deepEqual(watched, [true, false])
  looks[0]!.answer('{}')
  await settled()
  const again = open()
  assert.equal(await again.read(), 'retry: 1000\n\n', 'nothing old is told')
  assert.equal(looks.length, 2)
  await again.leave()
  assert.deepEqual(watched, [true, false, true, false])
})

test('a page that does not read is left out: it gets the newest when it does', async () => {
  const { events, looks, open } = scene()
  const [slow, quick] = [open(), open()]
  await quick.read()
  const tell = async (text: string) => {
    looks.at(-1)!.answer(text)
    await settled()
    events.look()
  }
  for (const text of ['1', '2', '3']) {
    const event = quick.read()
    await settled()
    await tell(text)
    assert.match(await event, new RegExp(`data: ${text}\n`))
  }
  assert.equal(await slow.read(), 'retry: 1000\n\n')
  const next = slow.read()
  await settled()
  await tell('4')
  assert.match(await next, /data: 4\n/)
  await Promise.all([slow.leave(), quick.leave()])
})

test('why the supervisor does not tell is told on; a page that comes later hears it at once', async () => {
  const { looks, open } = scene()
  const page = open()
  await page.read()
  const next = page.read()
  await settled()
  looks[0]!.fail(new Error('it is "busy"'))
  assert.equal(await next, 'event: failed\nretry: 1000\ndata: "it is \\"busy\\""\n\n')
  const late = open()
  assert.match(await late.read(), /^event: failed/)
  await Promise.all([page.leave(), late.leave()])
})

test('so many pages and no more; HEAD opens none', async () => {
  const { events, watched, open } = scene()
  assert.deepEqual([events.reply('HEAD').status, events.reply('HEAD').body, events.pages], [200, null, 0])
  const pages = Array.from({ length: PAGES_MAX }, open)
  const refused = events.reply('GET')
  assert.equal(refused.status, 503)
  assert.match(String(refused.body), /There are 32 status pages open, which is as many as may be: close one\./)
  await Promise.all(pages.map((page) => page.leave()))
  assert.deepEqual(watched, [true, false])
})

/**
 * A status page that is left open: after thousands of documents, each with other
 * workers, stories and numbers, it is as large as after some hundred.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CDPSession, Page } from 'playwright-core'
import { withBrowser } from '../support/browser.ts'
import { openInChromium } from '../support/playwright.ts'
import { startPretendAdmin } from '../support/pretend-admin.ts'
import { says } from '../support/status-page.ts'

/** Longer than anything that the page keeps (two minutes of numbers). */
const SETTLED = 400
const MORE = 4_000
/** What garbage and caches may make of it. */
const HEAP_SLACK = 1.25
const NODES_SLACK = 50

test('a page left open does not grow', withBrowser, async (t) => {
  const admin = await startPretendAdmin(t)
  const { page, problems } = await openInChromium(t, admin.url)
  await page.addInitScript(TAP)
  await page.reload()
  await says(page, '#link-text', /^live$/)
  const devtools = await page.context().newCDPSession(page)
  await play(page, 0, SETTLED)
  const before = await sizeOf(devtools)
  await play(page, SETTLED, MORE)
  const after = await sizeOf(devtools)
  const told = `${JSON.stringify(before)} became ${JSON.stringify(after)}`
  assert.ok(after.Nodes! <= before.Nodes! + NODES_SLACK, told)
  assert.ok(after.JSHeapUsedSize! <= before.JSHeapUsedSize! * HEAP_SLACK, told)
  assert.ok(after.JSEventListeners! <= before.JSEventListeners! + NODES_SLACK, told)
  assert.deepEqual(problems, [])
})

/** Keeps the page's event source where a test finds it, and the last document that it was told. */
const TAP = `
  const Real = EventSource
  globalThis.EventSource = class extends Real {
    constructor(url) {
      super(url)
      globalThis.tapped = this
      this.addEventListener('status', (event) => { globalThis.lastDocument ??= event.data })
    }
  }
  for (const name of ['CONNECTING', 'OPEN', 'CLOSED']) globalThis.EventSource[name] = Real[name]`

/** So many documents one after the other, none like the one before. */
async function play(page: Page, first: number, count: number): Promise<void> {
  await page.evaluate(
    ([first, count]) => {
      const tapped = (globalThis as unknown as { tapped: EventTarget }).tapped
      const text = (globalThis as unknown as { lastDocument: string }).lastDocument
      for (let i = first!; i < first! + count!; i++) {
        const document = JSON.parse(text)
        document.nowMs += i * 1_000
        document.uptimeMs += i * 1_000
        document.rates = { requestsPerSecond: i % 97, acceptedPerSecond: i % 31, sentBytesPerSecond: i, drops: i % 3 }
        for (const worker of document.workers) worker.pid += i * 10
        document.listeners[0].acceptQueues[0].length = i % 18
        const story = { client: `c${i}`, port: 1, worker: null, fd: null, beganAtMs: 0, durationMs: i, isOver: true }
        const newest = [0, 1, 2].map((n) => ({ ...story, id: i + n, requests: 0, lastRequest: null, lastStatus: null }))
        document.stories = { newest, coverage: { packets: true, skipped: i, notFollowed: 0 } }
        tapped.dispatchEvent(new MessageEvent('status', { data: JSON.stringify(document) }))
      }
    },
    [first, count],
  )
}

async function sizeOf(devtools: CDPSession): Promise<Record<string, number>> {
  await devtools.send('Performance.enable')
  for (let i = 0; i < 3; i++) await devtools.send('HeapProfiler.collectGarbage')
  const { metrics } = await devtools.send('Performance.getMetrics')
  const wanted = ['Nodes', 'JSHeapUsedSize', 'JSEventListeners']
  return Object.fromEntries(metrics.filter(({ name }) => wanted.includes(name)).map(({ name, value }) => [name, value]))
}

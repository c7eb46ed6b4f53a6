/**
 * A status page that is left open: after thousands of documents, each with other
 * workers, stories and numbers, it is as large as after some hundred.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CDPSession, Page } from 'playwright-core'
import { pageDocumentOf } from '../../src/admin/page-document.ts'
import { withBrowser } from '../support/browser.ts'
import { openInChromium } from '../support/playwright.ts'
import { startPretendAdmin } from '../support/pretend-admin.ts'
import { pretendListener, pretendStatus, pretendWorker } from '../support/pretend-status.ts'
import { PretendStories, pretendSteps, pretendStory } from '../support/pretend-stories.ts'
import { tap, tell } from '../support/status-page.ts'

/** Longer than anything that the page keeps (two minutes of numbers). */
const SETTLED = 400
const MORE = 4_000
/** What garbage and caches may make of it. */
const HEAP_SLACK = 1.25
const NODES_SLACK = 50

test('a page left open does not grow', withBrowser, async (t) => {
  const admin = await startPretendAdmin(t)
  const { page, problems } = await openInChromium(t, admin.url)
  await tap(page)
  await page.reload()
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

/** So many documents one after the other, none like the one before. Told in pieces: a page has other things to do, too. */
async function play(page: Page, first: number, count: number): Promise<void> {
  for (let i = first; i < first + count; i += PIECE) {
    await tell(
      page,
      Array.from({ length: Math.min(PIECE, first + count - i) }, (_, n) => documentOf(i + n)),
    )
  }
}

const PIECE = 200

function documentOf(i: number): object {
  const listeners = [pretendListener(i % 18, 16)]
  const workers = [0, 1, 2, 3].map((slot) => pretendWorker(slot, { pid: 5_000 + 4 * i + slot }))
  const status = pretendStatus({ uptimeMs: i * 1_000, listeners, workers })
  const before = pretendStatus({ uptimeMs: (i - 1) * 1_000, workers })
  const kept = [3, 2, 1].map((n) => pretendStory(i + n, pretendSteps(`c${i + n}`, `GET /${i + n}`, 1, 2)))
  const stories = Object.assign(new PretendStories(), { kept })
  return pageDocumentOf({ status, before, stories, adminPid: 9, nowMs: i * 1_000 })
}

async function sizeOf(devtools: CDPSession): Promise<Record<string, number>> {
  await devtools.send('Performance.enable')
  for (let i = 0; i < 3; i++) await devtools.send('HeapProfiler.collectGarbage')
  const { metrics } = await devtools.send('Performance.getMetrics')
  const wanted = ['Nodes', 'JSHeapUsedSize', 'JSEventListeners']
  return Object.fromEntries(metrics.filter(({ name }) => wanted.includes(name)).map(({ name, value }) => [name, value]))
}

/**
 * The pictures of the status page in docs/: taken each time, and kept where
 * PREFORK_PICTURES says.
 *
 *     PREFORK_PICTURES=docs npm test -- status-page-pictures
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { pageDocumentOf } from '../../src/admin/page-document.ts'
import type { TreeStatus } from '../../src/control/tree-status.ts'
import { withBrowser } from '../support/browser.ts'
import { openInChromium } from '../support/playwright.ts'
import { startPretendAdmin } from '../support/pretend-admin.ts'
import { pretendCounters, pretendListener, pretendStatus, pretendWorker } from '../support/pretend-status.ts'
import { pretendSteps, pretendStory } from '../support/pretend-stories.ts'
import { folderOf } from '../support/server.ts'
import { tap, tell } from '../support/status-page.ts'

/** A picture that shows nothing is smaller than that. */
const PICTURE_BYTES_MIN = 10_000
const LOOKS = 130
const [FIRST_ID, STORIES] = [82, 8]
const PATHS = ['GET /', 'GET /style.css', 'GET /api/orders', 'GET /api/orders/7', 'POST /api/orders', 'GET /photo.webp']

/** The server at one of its looks: its queue fills towards the end, for its workers do not keep up. */
function statusAt(look: number): TreeStatus {
  const wave = Math.sin(look / 9) + Math.sin(look / 23)
  const late = Math.max(0, look - LOOKS + 20)
  const busy = { state: 'busy', active: 1, idleMs: 300 } as const
  const workers = [41, 38, 44].map((connections, slot) => pretendWorker(slot, { ...busy, connections }))
  const status = pretendStatus({
    uptimeMs: 7_860_000 + look * 1_000,
    listeners: [
      pretendListener(0, 16, { acceptQueues: [{ length: Math.min(17, late), limit: 16, peak: 17 }], synQueue: 2 }),
      pretendListener(0, 511, { address: '[::]:8443', acceptQueues: [{ length: 37, limit: 511, peak: 210 }] }),
    ],
    network: pretendCounters({
      acceptQueueOverflows: Math.max(0, late - 11) * 4,
      listenDrops: Math.max(0, late - 11) * 4,
    }),
    workers: [...workers, pretendWorker(0, { generation: 2, pid: 4101, state: 'draining', connections: 3 })],
  })
  const requests = 50_000 + Math.round(look * 420 + wave * 600)
  const { totals } = status
  return { ...status, totals: { ...totals, requests, accepted: 3_000 + look * 31, bytesSent: 2e8 + requests * 4_000 } }
}

/** The page after two minutes of that, with the ladder of one connection. */
async function open(t: TestContext, options: BrowserContextOptions): Promise<Page> {
  const admin = await startPretendAdmin(t)
  const nowMs = Number(process.hrtime.bigint()) / 1e6
  admin.stories.kept = Array.from({ length: STORIES }, (_, i) => {
    const id = FIRST_ID - i
    const client = `192.0.2.${10 + ((i * 37) % 90)}:${51_000 + i * 113}`
    const steps = pretendSteps(client, PATHS[i % PATHS.length]!, i === 0 ? 412 : 0.1 * (i + 1), 1.4 + i * 3)
    return pretendStory(id, steps, { client, beganAtMs: nowMs - 500 - i * 900 })
  })
  const { page } = await openInChromium(t, 'about:blank', { reducedMotion: 'reduce', ...options })
  await tap(page)
  await page.goto(admin.url)
  const facts = { stories: admin.stories, adminPid: 4241, nowMs }
  const looks = Array.from({ length: LOOKS }, (_, i) => i)
  await tell(
    page,
    looks.map((look) => pageDocumentOf({ ...facts, status: statusAt(look), before: statusAt(look - 1) })),
  )
  await page.locator('.headline').first().click()
  await page.locator('.rung').nth(11).waitFor()
  await page.evaluate('document.activeElement.blur()')
  return page
}

type Picture = readonly [name: string, options: BrowserContextOptions, part: string | null]
const PICTURES: readonly Picture[] = [
  ['light', { viewport: { width: 1200, height: 1320 } }, null],
  ['dark', { viewport: { width: 1200, height: 1320 }, colorScheme: 'dark' }, null],
  ['narrow', { viewport: { width: 360, height: 1400 } }, null],
  ['ladder', { viewport: { width: 1200, height: 900 } }, '#stories'],
]

for (const [name, options, part] of PICTURES) {
  test(`the page, ${name}`, withBrowser, async (t) => {
    const page = await open(t, options)
    const path = join(process.env.PREFORK_PICTURES ?? folderOf(t), `status-page-${name}.png`)
    await page.evaluate('scrollTo(0, 0)')
    if (part === null) await page.screenshot({ path })
    else await page.locator(part).screenshot({ path })
    assert.ok(readFileSync(path).length > PICTURE_BYTES_MIN)
  })
}

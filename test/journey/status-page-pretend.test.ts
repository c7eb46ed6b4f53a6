/**
 * The status page in a real browser, of a server that the test has made up: a
 * connection's ladder, hostile text, a narrow screen, a keyboard, a day.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { withBrowser } from '../support/browser.ts'
import { openInChromium } from '../support/playwright.ts'
import { startPretendAdmin } from '../support/pretend-admin.ts'
import { pretendCounters, pretendListener, pretendStatus } from '../support/pretend-status.ts'
import { pretendSteps, pretendStory } from '../support/pretend-stories.ts'
import { waitUntil } from '../support/program.ts'
import { says } from '../support/status-page.ts'

test('a connection as a ladder: each step with its time, its words and the system call behind it', {
  ...withBrowser,
}, async (t) => {
  const admin = await startPretendAdmin(t)
  const client = '127.0.0.1:51234'
  admin.stories.kept = [pretendStory(7, pretendSteps(client, 'GET /hello', 41.2, 1.4), { client })]
  const { page, problems } = await openInChromium(t, admin.url)
  await says(page, '.headline', /^GET \/hello → 200127\.0\.0\.1:51234worker 3, fd 12, lasted 43\.3 ms, \d+s ago$/)
  assert.equal(admin.stories.isWatched, true)
  await page.getByRole('button', { name: 'GET /hello' }).click()
  await says(page, '#ladder-title', /^127\.0\.0\.1:51234 → port 8080$/)
  const rungs = await page
    .getByRole('list', { name: `${client} → port 8080` })
    .getByRole('listitem')
    .allTextContents()
  assert.deepEqual(rungs.slice(0, 5), [
    `0 msSYN from ${client}`,
    '+20 µsSYN/ACK: the handshake waits in the SYN queue',
    '+90 µsACK: the connection is established and waits in the accept queue',
    `41.2 ms waited in the accept queue+41.29 msAccepted connection from ${client}, after 41.2 ms in the accept queueaccept4(5) = 12`,
    '+41.35 msReceived 78 bytesrecv(12) = 78',
  ])
  assert.deepEqual(await page.locator('.rung').last().textContent(), '+43.30 msFIN to the client')
  assert.equal(await page.locator('.rung .in-accept-queue').count(), 2, 'the line of the wait, above and below')
  assert.equal(await page.locator('.headline[aria-current="true"]').count(), 1)
  assert.deepEqual(problems, [])
})

test('a ladder grows while its connection lives, and stays when its story is not kept any more', {
  ...withBrowser,
}, async (t) => {
  const admin = await startPretendAdmin(t)
  const steps = pretendSteps('127.0.0.1:5', 'GET /', 0.1, 5)
  const beganAtMs = Number(process.hrtime.bigint()) / 1e6
  const tell = (upTo: number) => {
    admin.stories.kept = [pretendStory(1, steps.slice(0, upTo), { beganAtMs })]
  }
  tell(3)
  const { page } = await openInChromium(t, admin.url)
  await page.getByRole('button', { name: 'no request yet' }).click()
  const rungs = (count: number) =>
    waitUntil(async () => (await page.locator('.rung').count()) === count, `there are ${count} rungs`)
  await rungs(3)
  await says(page, '#ladder-foot', /^It goes on\.$/)
  tell(8)
  await rungs(8)
  admin.stories.kept = []
  await says(page, '#ladder-foot', /^This story is not kept any more/)
  assert.equal(await page.locator('.rung').count(), 8)
})

test('what a client sends is text, whatever it looks like', withBrowser, async (t) => {
  const admin = await startPretendAdmin(t)
  const evil = `GET /<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
  admin.stories.kept = [pretendStory(1, pretendSteps('127.0.0.1:5', evil, 0.1, 5))]
  const { page, problems } = await openInChromium(t, admin.url)
  await page.locator('.headline').click()
  await says(page, '#rungs', /<img src=x onerror=/)
  assert.equal(await page.locator('main img, main script').count(), 0)
  assert.match(await page.title(), /^prefork · /)
  const refused = await page.evaluate(`try { document.body.innerHTML = '<b>markup</b>'; false } catch { true }`)
  assert.ok(refused, 'not even by mistake')
  assert.equal(problems.filter((it) => !/TrustedHTML/.test(it)).length, 0)
})

test('on a narrow screen nothing sticks out; by keyboard everything is reached', withBrowser, async (t) => {
  const admin = await startPretendAdmin(t)
  admin.stories.kept = [pretendStory(1, pretendSteps('127.0.0.1:5', 'GET /', 41.2, 5))]
  const { page } = await openInChromium(t, admin.url, { viewport: { width: 360, height: 700 } })
  await says(page, '#link-text', /^live$/)
  await page.keyboard.press('Tab')
  assert.equal(await focused(page), 'To the findings')
  for (let i = 0; i < 100 && !/^GET \/ → 200/.test(await focused(page)); i++) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await waitUntil(async () => (await page.locator('.rung').count()) === 12, 'the ladder is drawn')
  assert.equal(await page.evaluate('document.activeElement.id'), 'ladder')
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
})

function focused(page: Page): Promise<string> {
  return page.evaluate('document.activeElement.textContent')
}

test('where a listener speaks TLS, its handshakes are told of beside the rest', withBrowser, async (t) => {
  const admin = await startPretendAdmin(t)
  const { page, problems } = await openInChromium(t, admin.url)
  await says(page, '#link-text', /^live$/)
  const titles = () => page.locator('#tiles').getByRole('heading').allTextContents()
  const without = await titles()
  assert.deepEqual([without.length, without.includes('TLS handshakes')], [5, false])
  const plain = pretendStatus()
  const handshakes = { full: 1_200, resumed: 3_000, failed: 7 }
  admin.status = { ...plain, totals: { ...plain.totals, handshakes } }
  const tile = page.locator('.tile:visible', { hasText: 'TLS handshakes' })
  await tile.filter({ hasText: '4.2k so far, 7 failed' }).waitFor()
  assert.equal((await titles()).length, 6)
  assert.deepEqual(problems, [])
})

test('each drawing tells its numbers; parts have headings, tables have captions', withBrowser, async (t) => {
  const admin = await startPretendAdmin(t)
  admin.status = pretendStatus({
    listeners: [
      pretendListener(3, 16, { synQueue: 2 }),
      pretendListener(120, 511, { address: 'unix:/run/site.sock', synQueue: null }),
    ],
    network: pretendCounters({ acceptQueueOverflows: 3, listenDrops: 4 }),
  })
  const { page } = await openInChromium(t, admin.url)
  await says(page, '#link-text', /^live$/)
  for (const name of ['SYN queue: 2 of 16', 'accept queue: 3 of 16; up to 3 in the last minute'])
    await page.getByRole('img', { name, exact: true }).waitFor()
  await page.getByRole('img', { name: 'accept queue: 120 of 511; up to 120 in the last minute' }).waitFor()
  await page.getByRole('img', { name: /^Requests: p50 ≤ 2\.5 ms · p90 ≤ 10 ms · p99 ≤ 25 ms/ }).waitFor()
  const headings = await page.getByRole('heading', { level: 2 }).allTextContents()
  assert.deepEqual(headings.slice(0, 4), ['Findings', 'Queues', 'Rates', 'Processes'])
  for (const name of ['Workers', 'What the kernel has counted']) await page.getByRole('table', { name }).waitFor()
  await page.getByRole('listitem', { name: 'worker 0, pid 4243: busy' }).waitFor()
  await says(page, '#legend', /_waiting holds no connection.*Wbusy answers a request.*Kkeepalive.*Gdraining/)
  await says(page, '#network-table tbody tr', /ListenOverflows33$/)
})

/**
 * The ladder of a connection that a test makes itself, on the status page of a real
 * server: each step that really happened, with its system call.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withBrowser } from '../support/browser.ts'
import { openInChromium } from '../support/playwright.ts'
import { waitUntil } from '../support/program.ts'
import { connectAndSend, request } from '../support/raw.ts'
import { says, startWithPage, textIn } from '../support/status-page.ts'

test('from SYN to FIN: the ladder of a connection of ours', withBrowser, async (t) => {
  const { server, pageUrl } = await startWithPage(t)
  const { page, problems } = await openInChromium(t, pageUrl)
  await says(page, '#coverage', /^Followed/)
  const coverage = await textIn(page, '#coverage')

  const client = await connectAndSend(t, server.port, request('GET /', 'Connection: close'))
  assert.equal((await client.response()).status, 200)
  await client.ended()
  const headline = page.locator('.headline', { hasText: `127.0.0.1:${client.port}` })
  await headline.click()
  await says(page, '#ladder-title', new RegExp(`^127\\.0\\.0\\.1:${client.port} → port ${server.port}$`))
  const kinds = () => page.locator('.rung').evaluateAll((rungs) => rungs.map((it) => it.getAttribute('data-kind')))
  await waitUntil(async () => (await kinds()).includes('closed'), 'it is told to its end')

  const seesPackets = /^Followed while a status page is open\.(?! \D*packets)/.test(coverage)
  const wanted = ['accepted', 'received', 'request', 'response', 'sent', 'closed']
  const told = (await kinds()).filter((kind) => wanted.includes(kind!))
  assert.deepEqual([...new Set(told)], wanted)
  if (seesPackets) assert.deepEqual((await kinds()).slice(0, 4), ['syn', 'syn-ack', 'ack', 'accepted'])
  const rungs = await page.locator('.rung').allTextContents()
  const rung = (pattern: RegExp) =>
    assert.ok(
      rungs.some((text) => pattern.test(text)),
      `${pattern}\n${rungs.join('\n')}`,
    )
  rung(/Accepted connection from 127\.0\.0\.1:\d+.*accept4\(\) = \d+/)
  rung(/recv\(\d+\) = \d+/)
  rung(/GET \//)
  rung(/send\w*\(\d+\) = \d+/)
  rung(/close\(\d+\) = 0/)
  assert.deepEqual(problems, [])
})

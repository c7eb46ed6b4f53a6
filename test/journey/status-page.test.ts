/**
 * The status page in a real browser, of a real server: what it shows, what it asks
 * for, and what it says when the server it tells of is gone for a while.
 */
import assert from 'node:assert/strict'
import { connect as connectSocket } from 'node:net'
import { test } from 'node:test'
import { withBrowser } from '../support/browser.ts'
import { workerOf } from '../support/journey.ts'
import { openInChromium } from '../support/playwright.ts'
import { freeze } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { connectAndSend, RawClient, request } from '../support/raw.ts'
import { says, startWithPage, textIn } from '../support/status-page.ts'
import { replaced } from '../support/tree.ts'

test('what the page shows of a server, and that it asks nobody else', withBrowser, async (t) => {
  const { server, pageUrl } = await startWithPage(t)
  const client = await connectAndSend(t, server.port, request('GET /'))
  await client.response()
  const { page, problems } = await openInChromium(t, pageUrl)
  const asked: string[] = []
  page.on('request', (it) => asked.push(it.url()))
  await page.reload()
  await says(page, '#link-text', /^live$/)
  await says(page, '#findings', /Nobody waits\./)
  await says(page, '#facts', /phaseserving.*generation1.*modelevent.*acceptshared/)
  await says(page, '#listeners h3', new RegExp(`^${server.authority}$`))
  await says(page, '.queue-accept title', /^accept queue: 0 of 511; up to \d+ in the last minute$/)
  await says(page, '#tree', new RegExp(`supervisor, pid ${server.pid}.*generation 1 serves: 1 worker`))
  await says(page, '#workers-table tbody tr', new RegExp(`^0${workerOf(server)}1K keepalive10`))
  await says(page, '#tiles', /Open connections1/)
  await says(page, '#histograms', /p50 ≤ .* · p90 ≤ .* · p99 ≤ .* \(1\)/)
  await says(page, '#coverage', /^Followed while a status page is open\./)
  assert.deepEqual(problems, [])
  assert.ok(asked.length > 10 && asked.every((url) => url.startsWith(`${pageUrl}/`)), asked.join('\n'))
})

test('the table of connections: whose hands each is in, asked for while it can be seen, sorted by its reader', {
  ...withBrowser,
}, async (t) => {
  const { server, pageUrl } = await startWithPage(t)
  const first = await connectAndSend(t, server.port, request('GET /'))
  await first.response()
  const second = await connectAndSend(t, server.port, request('GET /') + request('GET /'))
  await second.responses(2)
  const { page } = await openInChromium(t, pageUrl)
  let questions = 0
  page.on('request', (it) => {
    if (it.url().endsWith('/connections.json')) questions += 1
  })
  await says(page, '#link-text', /^live$/)
  assert.equal(questions, 0, 'nobody can see it yet')
  await page.locator('#connections').scrollIntoViewIfNeeded()
  await says(page, '#connections-caption', /^Connections: 2$/)

  const row = await textIn(page, `#connections-table tbody tr:has-text("127.0.0.1:${first.port}")`)
  assert.match(row, new RegExp(`^127.0.0.1:${first.port}${server.authority}established0${workerOf(server)}\\d+–`))
  const clients = () => page.locator('#connections-table tbody th').allTextContents()
  const wanted = (...ports: number[]) => ports.map((port) => `127.0.0.1:${port}`)
  const received = page.getByRole('button', { name: 'received' })
  await received.click()
  assert.deepEqual(await clients(), wanted(second.port, first.port))
  assert.equal(await page.locator('th[aria-sort]').getAttribute('aria-sort'), 'descending')
  await received.focus()
  await page.keyboard.press('Enter')
  assert.deepEqual(await clients(), wanted(first.port, second.port))
  assert.equal(await page.locator('th[aria-sort]').getAttribute('aria-sort'), 'ascending')
  first.leave()
  await says(page, '#connections-caption', /^Connections: 1$/)
})

test('a backlog of 5 fills: 5 of 5, one more, then drops; the page says why and what to do', withBrowser, async (t) => {
  const { server, pageUrl } = await startWithPage(t, ['--backlog', '5'])
  const { page } = await openInChromium(t, pageUrl)
  const worker = workerOf(server)
  await freeze(worker)
  const clients: RawClient[] = []
  for (let i = 0; i < 5; i++) clients.push(await connectAndSend(t, server.port, request('GET /')))
  await says(page, '.queue-accept title', /^accept queue: 5 of 5, full; up to 5 in the last minute$/)
  assert.equal(await page.locator('.queue-accept .is-taken').count(), 5)
  await says(
    page,
    '#findings',
    new RegExp(`Clients wait: the accept queue of ${server.authority} is full \\(5 of 5\\)`),
  )
  await says(page, '#findings', /The only worker has taken nothing for \d+s, though not busy: stopped \(SIGSTOP/)

  clients.push(await connectAndSend(t, server.port, request('GET /'))) // listen(2): the kernel lets in one more
  for (let i = 0; i < 3; i++) clients.push(knock(t, server.port))
  await says(page, '.queue-accept title', /^accept queue: 6 of 5, full/)
  assert.equal(await page.locator('.queue-accept .is-taken.is-more').count(), 1)
  await says(page, '.dropped', /^Overflow: \d+ SYNs and ACKs dropped by full accept queues since the start/)
  await says(page, '#findings', /6 of 5\); \d+ handshake packets dropped in the last minute/)
  await says(page, '#announcer', /^Clients wait: the accept queue of .* is full/)
  assert.match(await page.title(), /^⚠ prefork/)

  process.kill(worker, 'SIGCONT')
  for (const client of clients) assert.equal((await client.response()).status, 200)
  await says(page, '.queue-accept title', /^accept queue: 0 of 5; up to 6 in the last minute$/)
  assert.equal(await page.locator('.queue-accept .is-taken').count(), 0)
})

/** A client that may have to try again: its SYN is dropped until there is room. */
function knock(t: Parameters<typeof connectAndSend>[0], port: number): RawClient {
  const socket = connectSocket({ port, host: '127.0.0.1' })
  t.after(() => socket.destroy())
  const client = new RawClient(socket)
  client.send(request('GET /'))
  return client
}

test('a worker that dies, a reload, a server that is gone and comes back: the page says so and goes on', {
  ...withBrowser,
}, async (t) => {
  const { server, pageUrl } = await startWithPage(t)
  const { page } = await openInChromium(t, pageUrl)
  await says(page, '#link-text', /^live$/)
  const victim = workerOf(server)
  server.expectLog(/ended by SIGKILL; its slot is filled again$/)
  process.kill(victim, 'SIGKILL')
  await replaced(server, victim, 1)
  await says(page, '#lately', new RegExp(`Worker 0 \\(pid ${victim}\\) has gone`))
  server.signal('SIGHUP')
  await says(page, '#lately', /Generation 2 serves in place of 1\./)

  await waitUntil(() => server.admins().length === 1, 'there is an admin process')
  server.expectLog(/: the admin process \(pid \d+\) ended by SIGKILL; another is started$/)
  process.kill(server.admins()[0]!, 'SIGKILL')
  await says(page, '#link-text', /^The server does not answer here\. What is shown is \d+s old; this page goes on/)
  await says(page, '#link-text', /^live$/)

  const old = server.pid
  server.signal('SIGUSR2')
  await waitUntil(() => server.pid !== old, 'the successor serves alone')
  await says(
    page,
    '#lately',
    new RegExp(`Another server answers: prefork .*, pid ${server.pid}, in place of pid ${old}`),
  )
})

test('with a token: a browser brings it as a password, for scripts and events, too', withBrowser, async (t) => {
  const token = '0123456789abcdef'
  const { pageUrl } = await startWithPage(t, ['--admin-token-file', 'token'], { files: { token: `${token}\n` } })
  const httpCredentials = { username: 'me', password: token }
  const { page, problems } = await openInChromium(t, pageUrl, { httpCredentials })
  await says(page, '#link-text', /^live$/)
  await page.locator('#connections').scrollIntoViewIfNeeded()
  await says(page, '#connections-caption', /^Connections: 0$/)
  assert.deepEqual(problems, [])
})

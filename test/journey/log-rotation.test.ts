/**
 * Logs rotated (a move and USR1) and the app reloaded, again and again, while
 * requests come: every request that was answered is in one of the files, once,
 * on a line of its own.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { open, RawClient, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { appOptions, SPAWNS, startApp } from '../support/tree.ts'

const APP = `export default () => new Response('answer')`
const CLIENTS = 12
const ROTATIONS = 12
const RELOADS_AFTER = [3, 8]

/** Asks until told to stop, each request under a number of its own; a connection serves as long as the server lets it. */
class Traffic {
  readonly answered: number[] = []
  #asked = 0
  #isOver = false
  readonly #port: number
  readonly #clients: Promise<void>[]

  constructor(port: number, requestsPerConnection: number) {
    this.#port = port
    this.#clients = Array.from({ length: CLIENTS }, () => this.#ask(requestsPerConnection))
  }

  /** The numbers of all requests that were answered. */
  async end(): Promise<number[]> {
    this.#isOver = true
    await Promise.all(this.#clients)
    return this.answered
  }

  get asked(): number {
    return this.#asked
  }

  async #ask(requestsPerConnection: number): Promise<void> {
    while (!this.#isOver) {
      const socket = await open(this.#port)
      const client = new RawClient(socket)
      for (let i = 0, last = false; i < requestsPerConnection && !last && !this.#isOver; i++) {
        const number = this.#asked++
        client.send(request(`GET /${number}`, `User-Agent: ${'x'.repeat(number % 300)}`))
        const response = await client.response().catch(() => null) // an idle connection may end as a request is sent
        if (response === null) break
        assert.equal(response.status, 200)
        this.answered.push(number)
        last = response.fields.get('connection') === 'close'
      }
      socket.destroy()
    }
  }
}

async function rotateUnder(server: Server, traffic: Traffic): Promise<void> {
  const file = join(server.cwd, 'access.log')
  for (let i = 1; i <= ROTATIONS; i++) {
    await waitUntil(() => existsSync(file), 'there is a log')
    renameSync(file, `${file}.${i}`)
    server.signal('SIGUSR1')
    const before = traffic.answered.length
    await waitUntil(() => traffic.answered.length > before + 50, 'requests have been answered since')
    const reload = RELOADS_AFTER.indexOf(i)
    if (reload === -1) continue
    server.signal('SIGHUP')
    await waitUntil(
      () => server.program.stderr.some((line) => line.includes(`generation ${reload + 2} serves`)),
      'the reload is over',
    )
  }
}

/** The numbers in all the files; every line must be whole. */
function numbersIn(folder: string): number[] {
  const lines = readdirSync(folder)
    .filter((name) => name.startsWith('access.log'))
    .flatMap((name) => readFileSync(join(folder, name), 'latin1').split(/(?<=\n)/))
    .filter((line) => line !== '')
  return lines.map((line) => {
    assert.ok(line.endsWith('}\n'), line)
    const { target, status, end, userAgent } = JSON.parse(line) as Record<string, unknown>
    const number = Number(String(target).slice(1))
    assert.deepEqual([status, end, userAgent], [200, 'complete', 'x'.repeat(number % 300)])
    return number
  })
}

const LOG = ['--access-log', 'access.log', '--access-log-format', 'json']
const OPTIONS = { args: LOG, log: [/ info supervisor /] }

async function check(t: TestContext, server: Server, requestsPerConnection: number): Promise<void> {
  const traffic = new Traffic(server.port, requestsPerConnection)
  await rotateUnder(server, traffic)
  const answered = await traffic.end()
  await server.stop()

  const numbers = numbersIn(server.cwd)
  const logged = new Set(numbers)
  assert.equal(logged.size, numbers.length, 'no line twice')
  const missing = answered.filter((number) => !logged.has(number))
  assert.deepEqual(missing, [])
  assert.ok(numbers.every((number) => number < traffic.asked))
  t.diagnostic(`${answered.length} requests answered, ${numbers.length} lines in ${ROTATIONS + 1} files`)
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, three workers that append to one file`, async (t) => {
    await check(t, await startApp(t, APP, { ...OPTIONS, workers: 3, spawn }), Number.POSITIVE_INFINITY)
  })
}

test('in the model fork, where each connection has a worker of its own', async (t) => {
  const args = [...LOG, '--model', 'fork']
  await check(t, await startServer(t, appOptions(APP, { ...OPTIONS, args })), 5)
})

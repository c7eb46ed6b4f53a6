/**
 * What tests of the process tree share: an app in a folder, its workers asked
 * until each has answered, requests that are held until the test lets go.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { waitUntil } from './program.ts'
import { ask, type RawClient, request } from './raw.ts'
import { TCP } from './road.ts'
import { addFiles, type Server, type ServerOptions, startServer } from './server.ts'

/** Both ways a worker is born. */
export const SPAWNS = ['fork', 'exec'] as const

export interface TreeOptions extends ServerOptions {
  readonly workers?: number
  readonly spawn?: 'auto' | 'fork' | 'exec'
  readonly timeouts?: Readonly<Record<string, number>>
  /** What else prefork.config.mjs says. Plain data. */
  readonly config?: object
}

/** The options of a command that serves this app; timeouts have no flags, so they go into a configuration file. */
export function appOptions(app: string, options: TreeOptions = {}): ServerOptions {
  const { workers = 2, spawn = 'auto', timeouts = {}, config = {}, ...rest } = options
  return {
    ...rest,
    args: ['app.mjs', '--workers', String(workers), '--spawn', spawn, ...(rest.args ?? [])],
    files: {
      'prefork.config.mjs': `export default ${JSON.stringify({ timeouts, ...config })}\n`,
      'app.mjs': app,
      ...rest.files,
    },
  }
}

/** A server of this app, all of its workers ready. */
export async function startApp(t: TestContext, app: string, options: TreeOptions = {}): Promise<Server> {
  const server = await startServer(t, appOptions(app, options))
  await workersReady(server, options.workers ?? 2)
  return server
}

/** The pids of the workers, once there are so many, all of them ready. */
export async function workersReady(server: Server, count: number): Promise<number[]> {
  await waitUntil(() => areReady(server, count), `there are ${count} workers, all ready`)
  return server.workers()
}

function areReady(server: Server, count: number): boolean {
  return server.workers().length === count && server.readyWorkers().length === count
}

/** The pids of the workers, once `old` is replaced. */
export async function replaced(server: Server, old: number, count: number): Promise<number[]> {
  const isDone = () => !server.workers().includes(old) && areReady(server, count)
  await waitUntil(isDone, `worker ${old} is replaced`)
  return server.workers()
}

/** Of a server with one worker: whoever its generation began with is killed, the preloader first, and another is born. */
export async function bearAnew(server: Server): Promise<void> {
  for (const preloader of server.preloaders()) {
    process.kill(preloader, 'SIGKILL')
    await server.waitForLog(
      new RegExp(`the preloader \\(pid ${preloader}\\) was ended by SIGKILL; its workers serve on`),
    )
  }
  const [worker] = server.workers()
  if (worker === undefined) return // the model 'fork': each connection has its own
  process.kill(worker, 'SIGKILL')
  await server.waitForLog(new RegExp(`worker 0 \\(pid ${worker}\\) was ended by SIGKILL; its slot is filled again`))
  await replaced(server, worker, 1)
}

/**
 * Says who answers, in JSON with a `pid`. It holds its worker up for a moment, so
 * that of many requests at once each worker gets some.
 */
export const WHO = `
const cell = new Int32Array(new SharedArrayBuffer(4))
function who(more = {}) {
  Atomics.wait(cell, 0, 0, 5)
  return Response.json({ pid: process.pid, ...more })
}
`

/** What each worker answered first, once so many different ones have answered. */
export async function answersOfAll<T extends { pid: number }>(
  server: Server,
  path: string,
  count: number,
): Promise<T[]> {
  const answers = new Map<number, T>()
  await waitUntil(async () => {
    const batch = await Promise.all(Array.from({ length: 4 * count }, () => ask(server.port, path)))
    for (const answer of batch.map((text) => JSON.parse(text) as T))
      if (!answers.has(answer.pid)) answers.set(answer.pid, answer)
    return answers.size >= count
  }, `${count} workers have answered`)
  assert.equal(answers.size, count)
  return [...answers.values()]
}

/** Answers /hold when the file `go` is there, and says in the file `held` that it has begun. */
export const HOLD = `
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
async function hold() {
  writeFileSync('held', String(process.pid))
  while (!existsSync('go')) await sleep(5)
  return new Response('held and let go')
}
`

/** A client whose request a worker has begun to answer. */
export async function held(t: TestContext, server: Server, path = '/hold', road = TCP): Promise<RawClient> {
  const client = await road.connectAndSend(t, server.port, request(`GET ${path}`))
  await waitUntil(() => existsSync(join(server.cwd, 'held')), 'the request is held')
  return client
}

export function letGo(server: Server): void {
  addFiles(server.cwd, { go: '' })
}

/** The held request is answered whole, and its connection ends. */
export async function isAnswered(client: RawClient): Promise<void> {
  const response = await client.response()
  assert.equal(response.status, 200)
  assert.equal(response.body.toString(), 'held and let go')
  assert.equal(response.fields.get('connection'), 'close')
  await client.endsClean()
}

/**
 * slowhttptest, a tool that nobody here wrote, in its four modes: slow heads
 * (slowloris), slow bodies, overlapping ranges (Apache killer), slow reading. It
 * asks all along whether the server still answers, and so do clients of ours.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Planned } from '../lifecycle/app.ts'
import { appOf } from '../lifecycle/app.ts'
import { assertNoneFailed, scene, underLoad } from '../lifecycle/scene.ts'
import { run, unless } from '../support/curl.ts'
import { request } from '../support/raw.ts'
import { ROADS, type Road } from '../support/road.ts'
import type { Server } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import { workersReady } from '../support/tree.ts'
import { affordable, Holdings } from './attack.ts'

interface Mode {
  readonly args: readonly string[]
  readonly path: string
  /** An app that reads bodies, or a folder. */
  readonly serves: 'app' | 'files'
  /** So many of the connections, as a share: over the loopback the kernel takes two megabytes for each that does not read. */
  readonly share: number
}

const MODES: Readonly<Record<string, Mode>> = {
  'slow heads': { args: ['-H', '-i', '1', '-x', '24'], path: '/now/x', serves: 'app', share: 1 },
  'slow bodies': { args: ['-B', '-i', '1', '-x', '10', '-s', '8192'], path: '/echo/x', serves: 'app', share: 1 },
  ranges: { args: ['-R', '-a', '1', '-b', '3000'], path: '/large.txt', serves: 'files', share: 1 },
  'slow reading': {
    args: ['-X', '-w', '1', '-y', '64', '-n', '1', '-z', '8'],
    path: '/large.txt',
    serves: 'files',
    share: 0.1,
  },
}
const SECONDS_SHORT = 5
const SECONDS_LONG = 30
const CONNECTIONS_SHORT = 500
const CONNECTIONS_LONG = 4_000
const WAITS = { headMs: 3_000, bodyMs: 3_000, writeMs: 3_000 }

const SMALL = 'what good clients ask for'
const FILES = { 'site/small.txt': SMALL, 'site/large.txt': 'large'.repeat(800_000), 'app.mjs': appOf(0) }

/** Good clients ask for the same, whatever is served. */
function plan(name: string, _random: unknown, ...fields: string[]): Planned {
  return { id: name, bytes: request('GET /small.txt', ...fields), body: SMALL }
}

const SMALL_APP = `
import answers from './app.mjs'
export default (request) => request.url.endsWith('/small.txt') ? new Response('${SMALL}') : answers(request)`

async function start(t: TestContext, road: Road, serves: Mode['serves']): Promise<Server> {
  const { config, ...options } = road.over({
    args: [serves === 'app' ? 'small-app.mjs' : 'site'],
    config: { workers: 2, timeouts: WAITS },
    files: { ...FILES, 'small-app.mjs': SMALL_APP },
  })
  const files = { ...options.files, 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n` }
  const server = await startServer(t, { ...options, files })
  await workersReady(server, 2)
  return server
}

const SCENES = ROADS.flatMap((road) => Object.entries(MODES).map(([name, mode]) => ({ road, name, ...mode })))

for (const { road, name, args, path, serves, share } of SCENES) {
  scene(
    `slowhttptest over ${road.name}: ${name}`,
    async (t, stage) => {
      const server = await start(t, road, serves)
      const holdings = new Holdings(server)
      const connections = affordable(share * (stage.isLong ? CONNECTIONS_LONG : CONNECTIONS_SHORT))
      const seconds = stage.isLong ? SECONDS_LONG : SECONDS_SHORT
      const folder = mkdtempSync(join(tmpdir(), 'slowhttptest-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const bounds = ['-c', `${connections}`, '-r', `${connections}`, '-l', `${seconds}`, '-p', '3']
      const url = `${road.isSecure ? 'https' : 'http'}://${server.authority}${path}`
      const report = ['-g', '-o', join(folder, 'report'), '-u', url]
      const attack = () => run('slowhttptest', [...args, ...bounds, ...report])
      const figures = await underLoad(server, stage, async () => void (await attack()), plan, road)
      assertNoneFailed(figures)
      const seen = looksIn(join(folder, 'report.csv'))
      stage.print(`connections: ${JSON.stringify(seen.at(-1))}`)
      assert.ok(seen.length > 0 && seen.every(({ available }) => available), 'the tool found the server answering')
      await holdings.areBack()
      assert.deepEqual(server.workers(), holdings.pids)
    },
    { skip: unless('slowhttptest') },
  )
}

interface Look {
  readonly second: number
  readonly closed: number
  readonly pending: number
  readonly connected: number
  /** Its probe was answered. */
  readonly available: boolean
}

/** What the tool wrote down, second by second. */
function looksIn(report: string): Look[] {
  const [, ...rows] = readFileSync(report, 'latin1').trim().split('\n')
  return rows.map((row) => {
    const [second, closed, pending, connected, available] = row.split(',').map(Number) as [number, ...number[]]
    return { second, closed: closed!, pending: pending!, connected: connected!, available: available! > 0 }
  })
}

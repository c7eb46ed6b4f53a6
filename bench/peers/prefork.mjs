/**
 * prefork, as it stands in this clone, in its default configuration: deadlines,
 * limits, scoreboard.
 *
 *     prefork          hello by a rule, files
 *     prefork-deferred hello, to connections that come with their first bytes
 *     prefork-app      hello and JSON by a fetch handler
 *     prefork-data     the same app, once it holds much data: what is shared
 *     prefork-fork     a process for each connection, forked for it
 *     prefork-prefork  a process for each connection, forked beforehand
 *
 * and, for soak.mjs alone, all of it in one server. It runs under the Node that runs the
 * harness, the oldest it supports as a rule; `prefork-newest` and `prefork-app-newest`
 * under the one that Node's own server is measured with.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commit } from '../conditions.mjs'
import { HELLO_TEXT } from '../workloads.mjs'
import { NEWEST_NODE, newestNode } from './packages.mjs'

const PREFORK = fileURLToPath(new URL('../../bin/prefork', import.meta.url))
const PACKAGE = fileURLToPath(new URL('../../package.json', import.meta.url))
const APP = fileURLToPath(new URL('apps/fetch.mjs', import.meta.url))
const ECHO_APP = fileURLToPath(new URL('apps/echo.mjs', import.meta.url))
const DATA_APP = fileURLToPath(new URL('apps/data.mjs', import.meta.url))

export const prefork = peer('**prefork**', ['hello', 'file'], rulesOfSite)
/** Takes connections that come with their first bytes: TCP_DEFER_ACCEPT. */
export const preforkDeferred = peer('**prefork**, deferred', ['hello'], rulesOfHello, {
  socket: { deferAcceptSeconds: 1 },
})
export const preforkApp = peer('**prefork**, app', ['hello', 'json'], () => [{ path: '/*', app: APP }])
export const preforkData = peer('**prefork**, app with 100 MB', ['hello'], () => [{ path: '/*', app: DATA_APP }])
export const preforkFork = peer('**prefork**, model fork', ['hello'], rulesOfHello, { model: 'fork' })
export const preforkPrefork = peer('**prefork**, model prefork', ['hello'], rulesOfHello, { model: 'prefork' })
export const preforkMixed = peer('**prefork**', ['hello', 'file'], (site) => [
  { path: '/app/*', app: ECHO_APP },
  ...rulesOfSite(site),
])

export const preforkNewest = underNewestNode(prefork)
export const preforkAppNewest = underNewestNode(preforkApp)

function rulesOfSite(site) {
  return [
    { path: '/hello', respond: { status: 200, body: HELLO_TEXT, headers: { 'Content-Type': 'text/plain' } } },
    { path: '/*', static: site },
  ]
}

function rulesOfHello() {
  return [{ path: '/*', respond: { status: 200, body: HELLO_TEXT, headers: { 'Content-Type': 'text/plain' } } }]
}

function underNewestNode(peer) {
  return {
    ...peer,
    title: `${peer.title}, Node ${NEWEST_NODE}`,
    prepare: newestNode,
    version: () => versionUnder(spawnSync(newestNode(), ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1)),
    command: (place) => [newestNode(), ...peer.command(place).slice(1)],
  }
}

function versionUnder(node) {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8'))
  return `prefork ${version} (${[commit(), `Node ${node}`].filter(Boolean).join(', ')})`
}

function peer(title, can, routes, more = {}) {
  return {
    title,
    can,
    canTls: true,
    canLog: true,
    prepare() {},
    version: () => versionUnder(process.versions.node),
    command({ folder, site, port, workers, files, accessLog, tls }) {
      const workersOf = more.model === undefined ? { workers } : {}
      const config = {
        listen: [`127.0.0.1:${port}`],
        backlog: 4096,
        logLevel: 'warn',
        accessLog: accessLog ?? 'off',
        control: join(folder, 'control'),
        timeouts: { idleMs: 600_000 },
        limits: { connectionsMax: Math.floor(files * 0.9) },
        ...(tls !== null && { tls }),
        ...workersOf,
        ...more,
        hosts: { '*': { routes: routes(site) } },
      }
      const file = join(folder, 'prefork.config.mjs')
      writeFileSync(file, `export default ${JSON.stringify(config, null, 2)}\n`)
      return [process.execPath, PREFORK, '--config', file]
    },
  }
}

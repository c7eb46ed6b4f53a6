/**
 * `npm start` after a clone: it builds what is missing, serves, and ends with
 * Ctrl-C; the next time there is nothing to build.
 */
import assert from 'node:assert/strict'
import { statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { cloneRepository, environmentForNpm, NPM, npmTrap } from '../support/clone.ts'
import { addFiles, type Server, startServer } from '../support/server.ts'

/** How many lines may come before the one that people wait for: npm's own three, and what is being built. */
const LINES_BEFORE_MAX = 5

test('npm start, again and again, until Ctrl-C', async (t) => {
  const clone = cloneRepository(t)

  const first = await npmStart(t, clone)
  const page = await (await fetch(first.url)).text()
  assert.match(page, /<h1>Your server is running\.<\/h1>/)
  await ctrlC(first)

  // Whatever is built again is written again.
  const built = () =>
    ['.built', '.tsbuildinfo', 'src/main.js'].map((file) => statSync(join(clone, 'dist', file)).mtimeMs)
  const before = built()
  addFiles(clone, { 'some/dir/index.html': 'some dir' })

  const second = await npmStart(t, clone, ['./some/dir'])
  assert.deepEqual(built(), before)
  assert.equal(await (await fetch(second.url)).text(), 'some dir')
  await ctrlC(second)

  const fromWithin = await npmStart(t, join(clone, 'some'), ['dir', '--workers', '1'])
  assert.equal(await (await fetch(fromWithin.url)).text(), 'some dir')
  assert.equal(fromWithin.workers().length, 1)
  await ctrlC(fromWithin)

  utimesSync(join(clone, 'src/index.ts'), new Date(), new Date())
  const afterAChange = await npmStart(t, clone)
  assert.notDeepEqual(built(), before)
  await ctrlC(afterAChange)
})

async function npmStart(t: TestContext, cwd: string, args: readonly string[] = []): Promise<Server> {
  const server = await startServer(t, {
    cwd,
    command: [NPM, 'start', '--'],
    args,
    // Installing would change the packages that this very test runs with.
    env: environmentForNpm([npmTrap(t)]),
    ownGroup: true,
    log: [/^npm (?:warn|notice)/i],
  })
  const { stdout } = server.program
  const line = stdout.findIndex((text) => /^Server listening on 127\.0\.0\.1:\d+$/.test(text))
  assert.ok(line >= 0 && line <= LINES_BEFORE_MAX, stdout.join('\n'))
  assert.ok(!stdout.some((text) => text.includes('npm was called')), stdout.join('\n'))
  return server
}

/** SIGINT to everyone in the group: npm, the server, its preloader and its workers. Nobody is left, nobody is forced. */
async function ctrlC(server: Server): Promise<void> {
  server.interrupt()
  const { stderr } = await server.ended({})
  assert.equal(stderr.filter((line) => line.endsWith('SIGINT: stopping')).length, 1)
}

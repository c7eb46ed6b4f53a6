/**
 * The compiled test suite as one thing to run: by this Node (test.mjs) or by
 * others (test-matrix.mjs).
 *
 * Node 20 knows no globs here, so the files are listed for it.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { root } from './setup.mjs'

/** For a test that hangs, not for one that is slow: CI would wait until it is stopped. */
const TEST_TIMEOUT_MS = 300_000
const SEED_MAX = 2 ** 32

/** The compiled tests whose path holds one of `filters`; all of them without any. */
export function findTests(filters) {
  const dist = join(root, 'dist')
  return readdirSync(dist, { recursive: true })
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter.replace(/\.ts$/, ''))))
    .map((file) => relative(root, join(dist, file)))
    .sort()
}

/** What random tests start from. Taken from the environment when given, to repeat a run. */
export function chooseSeed() {
  const seed = process.env.PREFORK_SEED ?? String(randomInt(SEED_MAX))
  process.env.PREFORK_SEED = seed
  return seed
}

/**
 * Runs the tests. Without a `log` file they report to this terminal.
 * Returns whether all passed, and the counts: { tests, pass, fail, skipped, … }, null when the runner broke down.
 */
export function runSuite({ node = process.execPath, files, flags = [], name = 'tests', log }) {
  const tap = join(root, `dist/.${name}.tap`)
  rmSync(tap, { force: true })
  const output = log === undefined ? 'inherit' : openLog(log)
  const { status } = spawnSync(node, [...runnerFlags(tap), ...flags, ...files], {
    cwd: root,
    stdio: ['ignore', output, output],
    env: environmentFor(node),
  })
  if (output !== 'inherit') closeSync(output)
  return { passed: status === 0, counts: existsSync(tap) ? readCounts(tap) : null }
}

/** The lines a run ends with: `# pass 812`. */
export function countLines(counts) {
  return Object.entries(counts).map(([name, count]) => `# ${name} ${count}`)
}

/** Two reports: one to read while it runs, one to take the counts from. */
function runnerFlags(tap) {
  return [
    '--test',
    `--test-concurrency=${availableParallelism()}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${tap}`,
  ]
}

/** `#!/usr/bin/env node` in what a test starts must find the Node under test. */
function environmentFor(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
}

function openLog(file) {
  mkdirSync(dirname(file), { recursive: true })
  return openSync(file, 'w')
}

function readCounts(tap) {
  const lines = readFileSync(tap, 'utf8').matchAll(/^# (tests|suites|pass|fail|cancelled|skipped|todo) (\d+)$/gm)
  return Object.fromEntries([...lines].map(([, name, count]) => [name, Number(count)]))
}

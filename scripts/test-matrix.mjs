#!/usr/bin/env node
/**
 * npm run test:matrix: the whole test suite under every version of Node that is
 * promised, one line each.
 *
 *     npm run test:matrix                the newest 20, 22, 24 and 26
 *     npm run test:matrix -- 20.19.0 26  these
 *
 * The versions come from the npm package `node` and stay in .matrix/; delete that
 * folder to fetch newer ones. What a run printed is in .matrix/nodeNN.log.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build } from './build.mjs'
import { ensureDebianPackages, SMALL_PACKAGES } from './packages.mjs'
import { installIfNeeded, root } from './setup.mjs'
import { chooseSeed, countLines, findTests, runSuite } from './suite.mjs'

const PROMISED = ['20', '22', '24', '26']

const asked = process.argv.slice(2)
const versions = asked.length > 0 ? asked : PROMISED

process.exitCode = areVersions(versions) && installIfNeeded() && build() && runAll() ? 0 : 1

function areVersions(texts) {
  const odd = texts.find((text) => !/^\d+(\.\d+){0,2}$/.test(text))
  if (odd !== undefined) console.error(`"${odd}" is not a version of Node: give one such as 22 or 20.19.0`)
  return odd === undefined
}

function runAll() {
  ensureDebianPackages(SMALL_PACKAGES)
  const files = findTests([])
  console.log(`${files.length} test files, PREFORK_SEED=${chooseSeed()}`)
  const failed = versions.filter((version) => !runUnder(version, files))
  if (failed.length === 0) console.log(`All pass under Node ${versions.join(', ')}`)
  else console.error(`Failures under Node ${failed.join(', ')}`)
  return failed.length === 0
}

function runUnder(version, files) {
  const node = nodeOf(version)
  if (node === null) return false
  const log = join(root, `.matrix/node${version}.log`)
  const { passed, counts } = runSuite({ node, files, name: `node${version}`, log })
  const exact = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const told = counts === null ? 'the test runner broke down' : countLines(counts).join(' ').replaceAll('# ', '')
  console.log(`${passed ? 'pass' : 'FAIL'}  Node ${exact}  ${told}`)
  if (!passed) console.error(`${failuresIn(log)}\n  all of it: ${relative(root, log)}`)
  return passed
}

/** The path of that Node's binary, fetched when it is not there yet; null when it cannot be had. */
function nodeOf(version) {
  const folder = join(root, `.matrix/node${version}`)
  const home = join(folder, 'node_modules/node')
  const binary = join(home, 'bin/node')
  if (existsSync(binary)) return binary
  console.log(`Fetching Node ${version}`)
  mkdirSync(folder, { recursive: true })
  // The package's install script is what fetches the binary. npm may be told to run none, so it is run by name.
  const isFetched =
    npmFetches(folder, ['npm', 'install', '--no-save', '--ignore-scripts', '--prefix', folder, `node@${version}`]) &&
    npmFetches(home, [process.execPath, 'installArchSpecificPackage'])
  if (isFetched && existsSync(binary)) return binary
  console.error(`FAIL  Node ${version} could not be fetched from the npm package "node"`)
  return null
}

function npmFetches(cwd, [command, ...args]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env: ownEnvironment(), encoding: 'utf8' })
  if (status !== 0) console.error(`${stdout ?? ''}${stderr ?? ''}`)
  return status === 0
}

/** Without what `npm run` set for this repository, such as its folder. */
function ownEnvironment() {
  const isOurs = (name) => /^npm_(package|lifecycle|config_local_prefix|config_prefix)/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
}

/** The names of the failing tests, as the report lists them once more at its end; a broken runner's last words. */
function failuresIn(log) {
  const lines = readFileSync(log, 'utf8').split('\n')
  const from = lines.findIndex((line) => line.includes('failing tests:'))
  const told = from === -1 ? lines.slice(-20) : lines.slice(from).filter((line) => /^(test at|✖) /.test(line))
  return told.map((line) => `  ${line}`).join('\n')
}

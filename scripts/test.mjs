#!/usr/bin/env node
/**
 * npm test: installs what is missing, type-checks, lints, compares the reference
 * page with its source, and runs every test.
 *
 *     npm test                          everything, as CI does
 *     npm test -- http static           only test files whose path holds `http` or `static`
 *     npm test -- --test-name-pattern=trailer
 *     PREFORK_SEED=123 npm test         repeats the random tests of a run that printed 123
 *
 * It stops at the first step that fails.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { build } from './build.mjs'
import { ensureDebianPackages, LARGE_PACKAGES, SMALL_PACKAGES } from './packages.mjs'
import { hasRightNode, installIfNeeded, root } from './setup.mjs'
import { chooseSeed, countLines, findTests, runSuite } from './suite.mjs'

const argv = process.argv.slice(2)

process.exitCode =
  hasRightNode() && installIfNeeded() && preparePackages() && build() && lint() && checkReference() && runTests()
    ? 0
    : 1

/** Never fails: tests skip what is not there. */
function preparePackages() {
  ensureDebianPackages(process.env.CI ? [...SMALL_PACKAGES, ...LARGE_PACKAGES] : SMALL_PACKAGES)
  return true
}

function lint() {
  return runNode(join(root, 'node_modules/.bin/biome'), 'check', '--error-on-warnings')
}

function checkReference() {
  return runNode(join(root, 'scripts/reference.mjs'), '--check')
}

function runTests() {
  const files = findTests(argv.filter((arg) => !arg.startsWith('-')))
  if (files.length === 0) {
    console.error('No test file has that in its path: give part of one, such as http')
    return false
  }
  const seed = chooseSeed()
  const { passed, counts } = runSuite({ files, flags: argv.filter((arg) => arg.startsWith('-')) })
  console.log(`\nPREFORK_SEED=${seed} repeats the random tests of this run\n`)
  if (counts !== null) console.log(countLines(counts).join('\n'))
  return passed
}

function runNode(...args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0
}

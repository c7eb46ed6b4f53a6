#!/usr/bin/env node
/**
 * npm run test:lifecycle, npm run test:hostile, npm run test:tls-scan: the scenes of
 * test/lifecycle/, test/hostile/ or test/tls-scan/ in their long form, one after the
 * other, with the figures that come of them.
 *
 *     npm run test:lifecycle                     all
 *     npm run test:lifecycle -- reloads forks    those whose name begins so
 *
 * It takes minutes, and wants a machine that has nothing else to do. Every scene
 * has a deadline, and ends its server when it is over.
 */
import { build } from './build.mjs'
import { ensureDebianPackages } from './packages.mjs'
import { hasRightNode, installIfNeeded } from './setup.mjs'
import { chooseSeed, countLines, findTests, runSuite } from './suite.mjs'

/** The longest scene takes two minutes on an idle machine. */
const SCENE_MS_MAX = 900_000

/** What some of them need, by folder. Without it they skip themselves. */
const PACKAGES = { lifecycle: [], hostile: ['slowhttptest'], 'tls-scan': ['sslscan', 'testssl.sh'] }

const [folder, ...asked] = process.argv.slice(2)

process.exitCode = isFolder() && hasRightNode() && installIfNeeded() && build() && runScenes() ? 0 : 1

function isFolder() {
  if (folder in PACKAGES) return true
  console.error(`Say which scenes: ${Object.keys(PACKAGES).join(' or ')}`)
  return false
}

function runScenes() {
  const all = findTests([`test/${folder}/`])
  const files = asked.length > 0 ? findTests(asked.map((name) => `test/${folder}/${name}`)) : all
  if (files.length === 0) {
    console.error(`No scene is named so: they are ${all.map(nameOf).join(', ')}`)
    return false
  }
  ensureDebianPackages(PACKAGES[folder])
  process.env.PREFORK_SCENES = 'long'
  const seed = chooseSeed()
  const { passed, counts } = runSuite({
    files,
    flags: ['--test-concurrency=1', `--test-timeout=${SCENE_MS_MAX}`],
    name: folder,
  })
  console.log(`\nPREFORK_SEED=${seed} repeats the random choices of this run\n`)
  if (counts !== null) console.log(countLines(counts).join('\n'))
  return passed
}

function nameOf(file) {
  return /([^/]+)\.test\.js$/.exec(file)[1]
}

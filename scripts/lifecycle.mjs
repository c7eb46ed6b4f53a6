#!/usr/bin/env node
/**
 * npm run test:lifecycle: the scenes of test/lifecycle/ in their long form, one
 * after the other, with the figures that come of them.
 *
 *     npm run test:lifecycle                     all
 *     npm run test:lifecycle -- reloads forks    those whose name begins so
 *
 * It takes minutes, and wants a machine that has nothing else to do. Every scene
 * has a deadline, and ends its server when it is over.
 */
import { build } from './build.mjs'
import { hasRightNode, installIfNeeded } from './setup.mjs'
import { chooseSeed, countLines, findTests, runSuite } from './suite.mjs'

/** The longest scene takes two minutes on an idle machine. */
const SCENE_MS_MAX = 900_000

const asked = process.argv.slice(2)

process.exitCode = hasRightNode() && installIfNeeded() && build() && runScenes() ? 0 : 1

function runScenes() {
  const files = findTests(asked.length > 0 ? asked.map((name) => `test/lifecycle/${name}`) : ['test/lifecycle/'])
  if (files.length === 0) {
    console.error(`No scene is named so: they are ${findTests(['test/lifecycle/']).map(nameOf).join(', ')}`)
    return false
  }
  process.env.PREFORK_LIFECYCLE = 'long'
  const seed = chooseSeed()
  const { passed, counts } = runSuite({
    files,
    flags: ['--test-concurrency=1', `--test-timeout=${SCENE_MS_MAX}`],
    name: 'lifecycle',
  })
  console.log(`\nPREFORK_SEED=${seed} repeats the random choices of this run\n`)
  if (counts !== null) console.log(countLines(counts).join('\n'))
  return passed
}

function nameOf(file) {
  return /([^/]+)\.test\.js$/.exec(file)[1]
}

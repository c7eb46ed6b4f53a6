#!/usr/bin/env node
/**
 * npm start: makes the clone ready, then serves the bundled example site, or what
 * the arguments say.
 *
 *     npm start
 *     npm start -- --port 9000 ./some/dir
 *
 * The server runs in this very process, so a Ctrl-C reaches it as it would reach
 * `prefork` started by hand.
 */
import { join } from 'node:path'
import { root, setUp } from './setup.mjs'

if (!setUp()) process.exit(1)
if (process.env.npm_lifecycle_event === 'start') process.chdir(process.env.INIT_CWD) // npm has changed to the root

const { main } = await importBuilt('main.js')
const argv = process.argv.slice(2)
await main((await saysWhatToServe(argv)) ? argv : [...argv, join(root, 'examples/site')])

/** A configuration file may name a target, too; then none is added. What cannot be understood is for main to refuse. */
async function saysWhatToServe(argv) {
  const { parseCommandLine } = await importBuilt('config/command-line.js')
  const { findConfigFile } = await importBuilt('config/config-file.js')
  try {
    const { command, target, configFile } = parseCommandLine(argv)
    return command !== 'serve' || target !== null || findConfigFile(configFile, process.cwd()) !== null
  } catch {
    return true
  }
}

function importBuilt(file) {
  return import(new URL(`../dist/src/${file}`, import.meta.url))
}

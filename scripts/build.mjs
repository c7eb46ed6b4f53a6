#!/usr/bin/env node
/**
 * Compiles src/, test/ and examples/ to dist/.
 *
 *     node scripts/build.mjs                 type-checks and compiles
 *     node scripts/build.mjs --if-possible   the same unless dist/ is up to date; nothing without a compiler
 *
 * The second is what npm calls `prepare`: after `npm ci`, before `npm pack`. With
 * `npm ci --omit=dev` there is no compiler, and dist/ may well be there already.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const compiler = join(root, 'node_modules/.bin/tsc')
/** Holds what the sources were like when they last compiled without a complaint. */
const stamp = join(dist, '.built')

const SOURCE_FOLDERS = ['src', 'test', 'examples']

/** False when the compiler complained, which it does on stdout. */
export function build() {
  if (!existsSync(compiler)) {
    console.error("The TypeScript compiler is not installed: run 'npm ci' first")
    return false
  }
  const sources = findSources()
  const before = fingerprint(sources)
  rmSync(stamp, { force: true })
  removeStale()
  // The compiler's own memory does not notice that an output was deleted.
  if (!sources.every(isCompiled)) rmSync(join(dist, '.tsbuildinfo'), { force: true })
  const { status } = spawnSync(process.execPath, [compiler, '--project', root], { cwd: root, stdio: 'inherit' })
  if (status === 0) writeFileSync(stamp, before)
  return status === 0
}

export function buildIfStale() {
  return isBuilt() || build()
}

function isBuilt() {
  const sources = findSources()
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(sources) && sources.every(isCompiled)
}

/** Sizes and times of change, not contents: this runs at every start. */
function fingerprint(sources) {
  const hash = createHash('sha256')
  for (const file of [...sources, 'tsconfig.json', 'package.json', 'package-lock.json']) {
    const { size, mtimeMs } = statSync(join(root, file))
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function findSources() {
  return SOURCE_FOLDERS.flatMap((folder) => filesIn(join(root, folder)))
    .map((file) => relative(root, file))
    .filter((file) => /(?<!\.d)\.m?ts$/.test(file))
    .sort()
}

function isCompiled(source) {
  return existsSync(join(dist, source.replace(/ts$/, 'js')))
}

/** What deleted or renamed sources left behind would still be found, run as a test and packed. */
function removeStale() {
  for (const folder of SOURCE_FOLDERS) {
    for (const file of filesIn(join(dist, folder))) {
      const source = relative(dist, file).replace(/(\.d)?\.(m?)[jt]s$/, '.$2ts')
      if (!existsSync(join(root, source))) rmSync(file)
    }
    removeEmptyFolders(join(dist, folder))
  }
}

function removeEmptyFolders(folder) {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name))
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder)
}

function filesIn(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

function main(argv) {
  if (!argv.includes('--if-possible')) return build()
  return !existsSync(compiler) || buildIfStale()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2)) ? 0 : 1

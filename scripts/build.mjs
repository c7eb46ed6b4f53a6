#!/usr/bin/env node
/**
 * Compiles src/, test/ and examples/ to dist/. The status page is a browser's, with
 * other types than the server's: it is a project of its own, and its document,
 * style and icon are copied.
 *
 *     node scripts/build.mjs                 type-checks and compiles
 *     node scripts/build.mjs --if-possible   the same unless dist/ is up to date; nothing without a compiler
 *
 * The second is what npm calls `prepare`: after `npm ci`, before `npm pack`. With
 * `npm ci --omit=dev` there is no compiler, and dist/ may well be there already.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const compiler = join(root, 'node_modules/.bin/tsc')
/** Holds what the sources were like when they last compiled without a complaint. */
const stamp = join(dist, '.built')

const SOURCE_FOLDERS = ['src', 'test', 'examples']
const PAGE = 'src/admin/page'
/** A project is a folder with a tsconfig.json, and what its compiler remembers in dist/. */
const PROJECTS = [
  { folder: '.', memory: '.tsbuildinfo' },
  { folder: PAGE, memory: '.tsbuildinfo-page' },
].filter(({ folder }) => existsSync(join(root, folder, 'tsconfig.json')))

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
  if (!sources.every(isMade)) for (const { memory } of PROJECTS) rmSync(join(dist, memory), { force: true })
  for (const asset of sources.filter(isAsset)) copy(asset)
  const isDone = PROJECTS.every(compile)
  if (isDone) writeFileSync(stamp, before)
  return isDone
}

function compile({ folder }) {
  const args = [compiler, '--project', join(root, folder)]
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0
}

function copy(asset) {
  mkdirSync(dirname(join(dist, asset)), { recursive: true })
  copyFileSync(join(root, asset), join(dist, asset))
}

export function buildIfStale() {
  return isBuilt() || build()
}

function isBuilt() {
  const sources = findSources()
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(sources) && sources.every(isMade)
}

/** Sizes and times of change, not contents: this runs at every start. */
function fingerprint(sources) {
  const hash = createHash('sha256')
  const configs = PROJECTS.map(({ folder }) => join(folder, 'tsconfig.json'))
  for (const file of [...sources, ...configs, 'package.json', 'package-lock.json']) {
    const { size, mtimeMs } = statSync(join(root, file))
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function findSources() {
  return SOURCE_FOLDERS.flatMap((folder) => filesIn(join(root, folder)))
    .map((file) => relative(root, file))
    .filter((file) => /(?<!\.d)\.m?ts$/.test(file) || isAsset(file))
    .sort()
}

/** What the page is made of besides its scripts. */
function isAsset(file) {
  return file.startsWith(`${PAGE}/`) && /\.(?:html|css|svg)$/.test(file)
}

function isMade(source) {
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

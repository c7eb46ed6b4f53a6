#!/usr/bin/env node
/**
 * Makes a clone ready: dependencies installed, sources built. Does only what is
 * missing, so that doing it again costs a few milliseconds.
 *
 *     node scripts/setup.mjs
 *
 * npm start and npm test begin with it.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildIfStale } from './build.mjs'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** False when it could not be done; why has then been printed. */
export function setUp() {
  return hasRightNode() && installIfNeeded() && buildIfStale()
}

/** npm prints what it does, which only happens when there is something to do. */
export function installIfNeeded() {
  if (isInstalled()) return true
  console.log('Installing the dependencies (npm ci)')
  // Development ones too, whatever NODE_ENV says: the compiler is one. No install scripts: every native
  // part comes prebuilt, and `prepare` would build what is built next.
  const { status } = spawnSync('npm', ['ci', '--include=dev', '--ignore-scripts'], { cwd: root, stdio: 'inherit' })
  if (status === 0) return true
  console.error('The dependencies could not be installed: see what npm says above')
  return false
}

export function hasRightNode() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wanted = engines.node.match(/\d+/g).map(Number)
  const has = process.versions.node.split('.').map(Number)
  if (has[0] > wanted[0] || (has[0] === wanted[0] && has[1] >= wanted[1])) return true
  console.error(`prefork needs Node ${wanted.join('.')} or newer, and this is ${process.versions.node}`)
  return false
}

/**
 * Compares the lock file with the one npm leaves in node_modules when it is done.
 * A stamp of our own would not know of an `npm ci` run by hand.
 */
function isInstalled() {
  const installed = readPackages('node_modules/.package-lock.json')
  if (installed === null) return false
  const wanted = readPackages('package-lock.json')
  const isSame = (path) => installed[path]?.integrity === wanted[path]?.integrity
  const required = Object.keys(wanted).filter((path) => path !== '' && !wanted[path].optional)
  return required.every((path) => path in installed && isSame(path)) && Object.keys(installed).every(isSame)
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = setUp() ? 0 : 1

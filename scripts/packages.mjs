#!/usr/bin/env node
/**
 * The programs that some tests drive the server with, from Debian's packages.
 *
 *     node scripts/packages.mjs            all of them
 *     node scripts/packages.mjs wrk curl   these
 *
 * A test whose program is not there skips itself and says so; installing is a
 * convenience for CI and containers, so it happens only as root, and only what is
 * missing. A package is named as the command that it brings, but for those in COMMANDS.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Small, and driven by many tests. */
export const SMALL_PACKAGES = ['curl', 'wrk', 'strace', 'slowhttptest', 'openssl', 'sslscan']
/** A browser is some hundred megabytes, and so is Prometheus, for its promtool: CI has them, a person chooses. */
export const LARGE_PACKAGES = ['chromium', 'prometheus']

/** What a package brings that is not named as it is. */
const COMMANDS = { 'testssl.sh': 'testssl', e2fsprogs: 'mke2fs', 'qemu-system-x86': 'qemu-system-x86_64' }

/** True when all are there at the end. When not, it has been said which are missing, and nothing is thrown. */
export function ensureDebianPackages(names) {
  const missing = names.filter((name) => !isInstalled(name))
  if (missing.length === 0) return true
  if (canInstall()) install(missing)
  const lacking = missing.filter((name) => !isInstalled(name))
  for (const name of lacking) {
    console.log(`${name} is not installed: tests that need it are skipped (apt-get install ${name})`)
  }
  return lacking.length === 0
}

function isInstalled(name) {
  return hasCommand(COMMANDS[name] ?? name)
}

export function hasCommand(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)))
}

function canInstall() {
  return process.getuid?.() === 0 && hasCommand('apt-get')
}

function install(names) {
  console.log(`Installing ${names.join(', ')} (apt-get)`)
  const options = ['--quiet=2', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120']
  aptGet(['update', '--quiet=2'])
  aptGet(['install', ...options, ...names])
}

/** Its output is shown only when it failed: hundreds of lines otherwise. */
function aptGet(args) {
  // RUNLEVEL: what a package would start as a service stays where it is (invoke-rc.d(8)).
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const { status, stdout, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' })
  if (status !== 0) console.log(`apt-get ${args.join(' ')} failed (${status}):\n${stdout}${stderr}`)
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function main(argv) {
  return ensureDebianPackages(argv.length > 0 ? argv : [...SMALL_PACKAGES, ...LARGE_PACKAGES])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2)) ? 0 : 1

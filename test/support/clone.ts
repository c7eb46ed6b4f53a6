/**
 * The repository as someone else has it: a copy, for what builds, packs or
 * installs. The tests' own dist/ is left alone.
 */
import { accessSync, chmodSync, constants, cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { folderOf } from './server.ts'

const NOT_COPIED = new Set(['.git', '.matrix', 'dist', 'node_modules'])

/** Not built yet. Its packages are the repository's own, by a link: nothing may install there. */
export function cloneRepository(t: TestContext): string {
  const clone = folderOf(t)
  for (const name of readdirSync('.')) {
    if (!NOT_COPIED.has(name)) cpSync(name, join(clone, name), { recursive: true })
  }
  symlinkSync(resolve('node_modules'), join(clone, 'node_modules'))
  return clone
}

/** Where npm is, though `environmentOf` may hide it behind another. */
export const NPM = findCommand('npm')

/**
 * What npm and `#!/usr/bin/env node` are to find: this Node, and nothing of the
 * `npm test` around us. `first` is a folder to look for commands in before all others.
 */
export function environmentForNpm(first: readonly string[] = []): NodeJS.ProcessEnv {
  const ofThisRun = Object.keys(process.env).filter((name) =>
    /^npm_(package|lifecycle|command|config_local)|^INIT_CWD$/.test(name),
  )
  return {
    ...Object.fromEntries(ofThisRun.map((name) => [name, undefined])),
    npm_config_update_notifier: 'false',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    PATH: [...first, dirname(process.execPath), process.env.PATH].join(delimiter),
  }
}

/** A folder whose `npm` refuses to work, so that nobody installs anything unseen. */
export function npmTrap(t: TestContext): string {
  const bin = join(folderOf(t), 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'npm'), '#!/bin/sh\necho "npm was called: $*"\nexit 1\n')
  chmodSync(join(bin, 'npm'), 0o755)
  return bin
}

function findCommand(name: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const found = folders.map((folder) => join(folder, name)).find(isExecutable)
  if (found === undefined) throw new Error(`${name} is not in PATH`)
  return found
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Under which conditions figures came to be: the machine, what was pinned where,
 * whose version, when, and for how long. Each table keeps its own, for tables of one
 * page are measured on different days; its line stands above it.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { wrkVersion } from './wrk.mjs'

/** The line of a page that has one run behind all its tables. */
export function conditionsOf(rounds, seconds) {
  return lineOf({ ...machine(), tools: [`Node ${process.versions.node}`, `wrk ${wrkVersion()}`], rounds, seconds })
}

/** This machine and this day, as data. */
export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: availableParallelism(),
    cpu: cpus()[0].model.trim(),
    memoryGB: Math.round(totalmem() / 1e9),
    kernel: release(),
  }
}

/** One line of Markdown. `versions`, `pinning` and `notes` are there where there is something to say. */
export function lineOf({ date, cores, cpu, memoryGB, kernel, tools, pinning, rounds, seconds, versions, notes }) {
  return [
    date,
    `${cores} cores (${cpu}), ${memoryGB} GB`,
    `Linux ${kernel}`,
    ...(pinning === undefined ? [] : [pinning]),
    ...(rounds === undefined ? [] : [`${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`} of ${seconds} s`]),
    ...tools,
    ...(versions ?? []),
    ...(notes ?? []),
  ].join(' · ')
}

/** The commit that is checked out, `+` where files differ from it; '' outside a clone. */
export function commit() {
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--exclude=*', '--dirty=+'], {
    encoding: 'utf8',
  })
  return status === 0 ? stdout.trim() : ''
}

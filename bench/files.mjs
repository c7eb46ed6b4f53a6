/**
 * How many descriptors a process may have, and a connection is one: the limit that a
 * process is started with (RLIMIT_NOFILE) is raised as far as the machine lets us,
 * beyond the hard limit where we are privileged to (CAP_SYS_RESOURCE).
 *
 * What one process may not hold, several may: see `workersToHold`.
 */
import { spawnSync } from 'node:child_process'

/** Of its descriptors, how many a server may need for something else, and for those that the kernel deals out unevenly. */
const SHARE_HELD = 0.8

/** As many as `wanted`, or the most that is allowed here. */
export function filesAllowed(wanted) {
  const hard = hardLimit()
  if (wanted <= hard || spawnSync('prlimit', [`--nofile=${wanted}:${wanted}`, 'true']).status === 0) return wanted
  return hard
}

/** The command, started with so many. It stays one process: prlimit becomes it. */
export function withFiles(files, words) {
  return ['prlimit', `--nofile=${files}:${Math.max(files, hardLimit())}`, ...words]
}

/** How many workers it takes to hold so many connections, each process being allowed so many descriptors. */
export function workersToHold(connections, files) {
  return Math.ceil(connections / (files * SHARE_HELD))
}

function hardLimit() {
  const { stdout, error } = spawnSync('prlimit', ['--nofile', '--output=HARD', '--noheadings', '--raw'], {
    encoding: 'utf8',
  })
  if (error !== undefined) throw new Error(`cannot run prlimit (${error.code}): it is in the package util-linux`)
  return stdout.trim() === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(stdout)
}

/**
 * What Linux has written down about processes: who belongs to a tree, the
 * processor time it has used, the memory that is a process's own.
 *
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ, in which /proc counts: 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/**
 * Seconds that a process and all below it have used, children that have died
 * included: their time moves to their parent's account when it waits for them.
 */
export function cpuSecondsOfTree(root) {
  const ticks = treeOf(root).map(([, { ticks }]) => ticks)
  return ticks.reduce((sum, it) => sum + it, 0) / TICKS_PER_SECOND
}

/** Seconds that the children of this process have used, once they are waited for. */
export function cpuSecondsOfEndedChildren() {
  return readStat(readProc('self/stat')).childTicks / TICKS_PER_SECOND
}

/** Proportional set size of all of a tree: what is shared counts once. */
export function pssBytesOfTree(root) {
  const rollups = treeOf(root).map(([pid]) => readProc(`${pid}/smaps_rollup`) ?? '')
  return rollups.reduce((sum, rollup) => sum + Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024, 0)
}

/** The mean of those that answer, of the memory that is their own. */
export function privateBytesOfWorkers(root) {
  const bytes = leavesOfTree(root)
    .map(privateBytes)
    .filter((it) => it !== null)
  // Of a server that forks for each connection there may be none just then.
  return bytes.length === 0 ? null : bytes.reduce((sum, it) => sum + it, 0) / bytes.length
}

/** What the processes of a tree have: { privateBytes, descriptors } of all together, and of `each` with its pid. */
export function holdingsOfTree(root) {
  const each = treeOf(root).map(([pid]) => {
    return { pid, privateBytes: privateBytes(pid) ?? 0, descriptors: descriptors(pid) ?? 0 }
  })
  const sum = (name) => each.reduce((total, it) => total + it[name], 0)
  return { privateBytes: sum('privateBytes'), descriptors: sum('descriptors'), each }
}

function descriptors(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return null
    throw error
  }
}

/** The processes of a tree that have no children: who answers. */
function leavesOfTree(root) {
  const tree = treeOf(root)
  const parents = new Set(tree.map(([, { parent }]) => parent))
  return tree.map(([pid]) => pid).filter((pid) => !parents.has(pid))
}

function treeOf(root) {
  const all = allProcesses()
  const isInTree = (pid) => pid === root || (all.has(pid) && isInTree(all.get(pid).parent))
  return [...all].filter(([pid]) => isInTree(pid))
}

/** Private_Clean and Private_Dirty: what would be free if this process alone ended. Null when it is gone. */
export function privateBytes(pid) {
  const rollup = readProc(`${pid}/smaps_rollup`)
  if (rollup === null) return null
  return [...rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].reduce((sum, [, kb]) => sum + kb * 1024, 0)
}

/** Of `/proc/PID/stat`. The second field, a name in brackets, may hold anything. */
export function readStat(stat) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number)
  const childTicks = cutime + cstime
  return { parent: Number(fields[1]), ticks: utime + stime + childTicks, childTicks }
}

function allProcesses() {
  const found = new Map()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readProc(`${name}/stat`)
    if (stat !== null) found.set(Number(name), readStat(stat))
  }
  return found
}

function readProc(path) {
  try {
    return readFileSync(`/proc/${path}`, 'latin1')
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return null
    throw error
  }
}

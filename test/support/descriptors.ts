/**
 * What a process holds, told by /proc.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Resident memory in bytes. */
export function residentBytesOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) * 1024
}

/** One line of the sum over all mappings of a process (proc_pid_smaps(5)), in bytes: `Pss`, its share of all memory. */
export function mappedBytesOf(pid: number, name: 'Pss' | 'Private_Dirty'): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)![1]) * 1024
}

/** Whether this process has the file open. One that is gone has not. */
export function hasOpen(pid: number, file: string): boolean {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).some((fd) => linkOf(`${folder}/${fd}`) === file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** A descriptor may be closed while its folder is read. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

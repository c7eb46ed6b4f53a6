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

/** What each descriptor from this number on is of: `/a/file`, `socket:[123]`, `anon_inode:[eventpoll]`. */
export function openIn(pid: number, from = 0): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return Number(fd) < from ? [] : [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return [] // closed meanwhile
    }
  })
}

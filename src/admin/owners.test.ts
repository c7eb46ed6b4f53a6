import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Owners } from './owners.ts'

/** Processes with descriptors, and how often a link was read. */
function scene(processes: Record<number, Record<string, string>>) {
  let links = 0
  const owners = new Owners({
    list(pid) {
      if (processes[pid] === undefined) throw new Error('EACCES')
      return Object.keys(processes[pid])
    },
    target(pid, fd) {
      links += 1
      return processes[pid]![fd]!
    },
  })
  const workers = [
    { slot: 0, pid: 100 },
    { slot: 1, pid: 101 },
  ]
  const of = (...inodes: number[]) => Object.fromEntries(owners.of(workers, new Set(inodes)))
  return { processes, of, links: () => links }
}

test('each socket is in the hands of the worker that has a descriptor of it', () => {
  const { of } = scene({ 100: { 3: '/dev/null', 12: 'socket:[7]' }, 101: { 12: 'socket:[8]', 13: 'socket:[9]' } })
  assert.deepEqual(of(7, 8), { 7: { slot: 0, pid: 100, fd: 12 }, 8: { slot: 1, pid: 101, fd: 12 } })
})

test('what is known is not read again, until its socket is gone', () => {
  const { processes, of, links } = scene({ 100: { 12: 'socket:[7]' }, 101: {} })
  of(7)
  of(7)
  assert.equal(links(), 1)
  processes[100] = { 12: 'socket:[20]', 13: 'socket:[21]' }
  assert.deepEqual(of(20), { 20: { slot: 0, pid: 100, fd: 12 } })
  assert.equal(links(), 3)
})

test('of a worker that is gone, or is not ours to look at, nothing is known', () => {
  const { processes, of } = scene({ 100: { 12: 'socket:[7]' } })
  assert.deepEqual(of(7, 8), { 7: { slot: 0, pid: 100, fd: 12 } })
  delete processes[100]
  assert.deepEqual(of(9), {})
})

/** The tables of "The budget" in docs/performance.md are bench/budget.mjs, row by row. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const load = (path: string) => import(pathToFileURL(`bench/${path}.mjs`).href)
const { HEAP_BYTES, SYSTEM_CALLS } = await load('budget')
const { OPERATIONS } = await load('micro/operations')

type Wanted = number | readonly [number, number]

const page = readFileSync('docs/performance.md', 'utf8')
const section = page.slice(page.indexOf('\n## The budget\n'))

function rowsBelow(title: string): string[] {
  const from = section.indexOf(title)
  assert.notEqual(from, -1, `docs/performance.md has no table "${title}"`)
  const table = section.slice(from).split('\n\n')[0]!
  return table.split('\n').slice(2)
}

/** `1`, or `1–2`. */
const told = (wanted: Wanted = 0) => [wanted].flat().join('–')

const EVERY = ['recvfrom', 'sendto', 'epoll_wait', 'epoll_pwait']

test('system calls', () => {
  const rows = Object.values<{ what: string; calls: Record<string, Wanted> }>(SYSTEM_CALLS).map(({ what, calls }) => {
    const others = Object.entries(calls).filter(([name]) => !EVERY.includes(name))
    const words = others.map(([name, count]) => (count === 1 ? name : `${told(count)} ${name}`))
    return `| ${[what, ...EVERY.map((name) => told(calls[name])), words.join(', ')].join(' | ')} |`
  })
  assert.deepEqual(rowsBelow('| for one turn of one client |'), rows)
})

test('bytes', () => {
  const rows = Object.entries<Record<string, number>>(HEAP_BYTES).map(
    ([name, bytes]) => `| ${[OPERATIONS[name].what, ...Object.values(bytes)].join(' | ')} |`,
  )
  assert.deepEqual(rowsBelow('| bytes for one request |'), rows)
})

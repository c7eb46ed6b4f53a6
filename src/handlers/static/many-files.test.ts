/** Ten thousand different files: what is kept of them is what is counted, and no more than is allowed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Stat } from '../../kernel/file.ts'
import { KnownFile } from './known-file.ts'
import { KnownFiles } from './known-files.ts'
import { shelf } from './shelf.test.support.ts'
import { bytesOf } from './site.test.support.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const FILES = 10_000
const CONTENT_BYTES = 2_000
const MIB = 1_048_576

/** Bytes that are reachable. */
function held(): number {
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('memory does not grow with the number of files, and the last ones are kept', (t) => {
  const files = Object.fromEntries(
    Array.from({ length: FILES }, (_, i) => [`d${i % 100}/${i}.txt`, `${i}`.padEnd(CONTENT_BYTES)]),
  )
  const paths = Object.keys(files).map((name) => `/${name}`)
  const { ask } = shelf(t, files, { cacheBytes: 2 * MIB, cacheMs: 60_000 })
  const askAll = () => {
    for (const path of paths) for (let i = 0; i < 2; i++) assert.equal(bytesOf(ask(path)).length, CONTENT_BYTES)
  }
  for (const path of paths.slice(0, 200)) ask(path)
  const before = held()
  askAll()
  const once = held() - before
  askAll()
  const twice = held() - before
  t.diagnostic(
    `${(once / MIB).toFixed(1)} MiB, then ${(twice / MIB).toFixed(1)} MiB, of ${(FILES * CONTENT_BYTES) / MIB} MiB`,
  )
  assert.ok(once < 3 * MIB && twice < 3 * MIB)
  assert.equal(ask(paths.at(-1)!), ask(paths.at(-1)!), 'told from memory')
})

const SAID = { type: 'text/plain; charset=utf-8', coding: null, cacheControl: null, varies: true }

for (const [what, more] of [
  ['a file', () => {}],
  ['with its content', (file) => file.identity.keep(Buffer.allocUnsafeSlow(CONTENT_BYTES))],
  ['compressed', (file) => file.compressed('br').keep(Buffer.allocUnsafeSlow(CONTENT_BYTES))],
  ['with paths', (file, known) => [1, 2, 3].map((n) => known.keep(`/${n}/${file.name}`, file, false))],
  ['without siblings', (file) => file.siblings.set('br', { representation: null, lookedAtMs: 0.5 })],
] as const satisfies readonly (readonly [string, (file: KnownFile, known: KnownFiles) => unknown])[]) {
  test(`what is held is what is counted: ${what}`, (t) => {
    const known = new KnownFiles({ cacheMs: 1_000, cacheBytes: 1_000 * MIB })
    const keepAll = (from: number) => {
      for (let i = from; i < from + FILES; i++) {
        const stat = Object.assign(new Stat(), { size: i, mtimeSeconds: i, mtimeNanoseconds: i, ino: i })
        const file = new KnownFile(`folder/file-${i}.txt`, { ...SAID }, stat, i)
        known.keep(`/folder/file-${i}.txt`, file, true)
        ;(more as (file: KnownFile, known: KnownFiles) => unknown)(file, known)
        known.weigh(file)
      }
    }
    keepAll(0)
    const [before, counted] = [held(), known.bytes]
    keepAll(FILES)
    const share = (known.bytes - counted) / (held() - before)
    t.diagnostic(`${share.toFixed(2)} of what is held`)
    assert.ok(share > 0.9 && share < 1.5, `${share}`)
  })
}

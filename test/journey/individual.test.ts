/**
 * Every worker is an individual: nothing that is random, or its own, is the same
 * in two of them, although each is a copy of a process that had used all of it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answersOfAll, SPAWNS, startApp, WHO } from '../support/tree.ts'

const WORKERS = 5

const APP = `
import { getRandomValues, randomBytes, randomFillSync, randomInt, randomUUID } from 'node:crypto'
import { readlinkSync } from 'node:fs'
${WHO}
const captured = Math.random // as \`import { random }\` of a library would keep it
const pidAtImport = process.pid

function values() {
  return {
    'Math.random': [Math.random(), Math.random()],
    'Math.random, captured at import': [captured(), captured()],
    'crypto.randomUUID': [randomUUID(), randomUUID()],
    'globalThis.crypto.randomUUID': [crypto.randomUUID()],
    'crypto.randomUUID without its cache': [randomUUID({ disableEntropyCache: true })],
    'crypto.randomInt': [randomInt(2 ** 47), randomInt(2 ** 47)],
    'crypto.randomBytes': [randomBytes(16).toString('hex')],
    'crypto.randomFillSync': [randomFillSync(Buffer.alloc(16)).toString('hex')],
    'crypto.getRandomValues': [Buffer.from(getRandomValues(new Uint8Array(16))).toString('hex')],
    'globalThis.crypto.getRandomValues': [Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')],
  }
}

const atImport = values()
let first = null

export default async () => {
  first ??= {
    values: values(),
    later: { 'crypto.randomInt, asynchronous': [await new Promise((resolve) => randomInt(2 ** 47, (_, n) => resolve(n)))] },
    atImport, pidAtImport, realPid: Number(readlinkSync('/proc/self')), ppid: process.ppid,
    title: process.title,
  }
  return who(first)
}
`

interface Answer {
  readonly pid: number
  readonly realPid: number
  readonly pidAtImport: number
  readonly ppid: number
  readonly title: string
  readonly values: Readonly<Record<string, readonly unknown[]>>
  readonly later: Readonly<Record<string, readonly unknown[]>>
  readonly atImport: Readonly<Record<string, readonly unknown[]>>
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, no two workers are alike`, async (t) => {
    const server = await startApp(t, APP, { workers: WORKERS, spawn })
    const answers = await answersOfAll<Answer>(server, '/', WORKERS)

    for (const answer of answers) {
      assert.equal(answer.pid, answer.realPid)
      assert.match(answer.title, /^prefork: worker \d$/)
      assert.equal(answer.ppid, spawn === 'fork' ? server.preloaders()[0] : server.pid)
      if (spawn === 'fork') assert.notEqual(answer.pid, answer.pidAtImport)
    }
    assert.equal(new Set(answers.map(({ title }) => title)).size, WORKERS)

    for (const name of Object.keys({ ...answers[0]!.values, ...answers[0]!.later })) {
      // The preloader's import ran once; by exec each worker has its own.
      const imports = spawn === 'fork' ? [answers[0]!] : answers
      const drawn = [
        ...answers.flatMap(({ values, later }) => values[name] ?? later[name]!),
        ...imports.flatMap(({ atImport }) => atImport[name] ?? []),
      ]
      assert.equal(new Set(drawn).size, drawn.length, `${name} repeats itself: ${drawn.join(' ')}`)
    }
  })
}

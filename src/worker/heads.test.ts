import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConnectionOption, responseHead } from '../http/response-head.ts'
import { endOfHead, Heads } from './heads.ts'

const DATE = 'Thu, 26 Nov 2026 02:17:57 GMT'
const LATER = 'Thu, 26 Nov 2026 02:17:58 GMT'
const FIELDS = ['Content-Type', 'text/plain', 'X-Bytes', 'caf\xe9']

/** The head as it goes out, and whether it was copied. */
function written(
  heads: Heads,
  status: number,
  fields: readonly string[],
  length: number,
  date = DATE,
  connection: ConnectionOption = null,
) {
  const start = heads.start(status, fields, date)
  const end = `${length}${endOfHead(connection)}`
  if (start !== null) return { head: `${Buffer.from(start).toString('latin1')}${end}`, isCopied: true }
  const head = responseHead(1, status, fields, { kind: 'length', length }, connection, date)
  heads.keep(head, status, fields, end, date)
  return { head, isCopied: false }
}

function made(status: number, fields: readonly string[], length: number, date = DATE): string {
  return responseHead(1, status, fields, { kind: 'length', length }, null, date)
}

test('from the third time on a head is copied, whatever its length says, and is the same', () => {
  const heads = new Heads()
  const lengths = [5, 5, 7, 0, 1_000_000, 5]
  const results = lengths.map((length) => written(heads, 200, FIELDS, length))
  assert.deepEqual(
    results.map(({ isCopied }) => isCopied),
    [false, false, true, true, true, true],
  )
  assert.deepEqual(
    results.map(({ head }) => head),
    lengths.map((length) => made(200, FIELDS, length)),
  )
})

test('the same start serves connections that live on and those that end', () => {
  const heads = new Heads()
  const ends = ['close', null, 'close', 'keep-alive', null] as const
  const results = ends.map((connection) => written(heads, 200, FIELDS, 5, DATE, connection))
  assert.deepEqual(
    results,
    ends.map((connection, i) => ({
      head: responseHead(1, 200, FIELDS, { kind: 'length', length: 5 }, connection, DATE),
      isCopied: i > 1,
    })),
  )
})

test('with the next second it is made anew, once', () => {
  const heads = new Heads()
  for (let i = 0; i < 3; i++) written(heads, 200, FIELDS, 5)
  const results = [0, 1].map(() => written(heads, 200, FIELDS, 5, LATER))
  assert.deepEqual(
    results,
    [false, true].map((isCopied) => ({ head: made(200, FIELDS, 5, LATER), isCopied })),
  )
})

test('the same fields in an array of their own are the same; other values, and another status, are not', () => {
  const heads = new Heads()
  for (let i = 0; i < 2; i++) written(heads, 200, [...FIELDS], 5)
  assert.equal(written(heads, 200, [...FIELDS], 5).isCopied, true)
  for (const [status, fields] of [
    [404, FIELDS],
    [200, [...FIELDS.slice(0, 3), 'tea']],
    [200, FIELDS.slice(0, 2)],
    [200, []],
  ] as const) {
    assert.deepEqual(written(heads, status, fields, 5), { head: made(status, fields, 5), isCopied: false })
  }
})

test('a handful is kept at a time, each as it is', () => {
  const heads = new Heads()
  const several = Array.from({ length: 8 }, (_, i) => ['X-Number', String(i)])
  for (let round = 0; round < 4; round++) {
    for (const fields of several) {
      assert.deepEqual(written(heads, 200, fields, round), { head: made(200, fields, round), isCopied: round > 1 })
    }
  }
  for (let i = 0; i < 100; i++) assert.equal(written(heads, 200, ['X-Number', `${i}`], 1).isCopied, false)
})

test('a very long one is not kept', () => {
  const heads = new Heads()
  const fields = ['X-Long', 'x'.repeat(3_000)]
  for (let i = 0; i < 4; i++) assert.equal(written(heads, 200, fields, 1).isCopied, false)
})

test('nor one in which something follows the length: an Upgrade is named in Connection', () => {
  const heads = new Heads()
  const fields = ['Upgrade', 'websocket']
  for (let i = 0; i < 4; i++) {
    assert.deepEqual(written(heads, 426, fields, 1), { head: made(426, fields, 1), isCopied: false })
  }
})

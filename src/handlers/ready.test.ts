import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DONE, HeadParser } from '../http/head-parser.ts'
import type { IncomingRequest, Reply } from './handler.ts'
import { withReadyPath } from './ready.ts'

const LIMITS = { headBytes: 1_000, fieldCount: 10, targetBytes: 100 }
const OF_TARGET: Reply = { status: 204, fields: [], body: null }

let isEnding = false
const handler = withReadyPath(
  () => OF_TARGET,
  '/-/ready',
  () => isEnding,
)

function ask(line: string): Reply {
  const bytes = Buffer.from(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const parser = new HeadParser(LIMITS)
  assert.equal(parser.parse(bytes, 0, bytes.length), DONE)
  return handler({ head: parser.take(bytes, 0) } as IncomingRequest) as Reply
}

test('ready, until the server is ending', () => {
  for (const method of ['GET', 'HEAD']) {
    const { status, body, fields } = ask(`${method} /-/ready`)
    assert.equal(status, 200)
    assert.equal(body, 'ready')
    assert.deepEqual(fields.slice(-2), ['Cache-Control', 'no-store'])
  }
  isEnding = true
  const { status, isLast, fields } = ask('GET /-/ready')
  isEnding = false
  assert.equal(status, 503)
  assert.equal(isLast, true)
  assert.deepEqual(fields.slice(-2), ['Cache-Control', 'no-store'])
})

test('the path in other forms is the same path', () => {
  for (const target of ['/-/ready?probe=1', 'http://a/-/ready']) assert.equal(ask(`GET ${target}`).body, 'ready')
})

test('other paths are the target’s; other methods of this one are not', () => {
  for (const target of ['/', '/-/ready/', '/-/READY', '/-/%72eady']) assert.equal(ask(`GET ${target}`), OF_TARGET)
  assert.equal(ask('POST /-/ready').status, 405)
})

test('off, every path is the target’s', () => {
  const target = () => OF_TARGET
  assert.equal(
    withReadyPath(target, 'off', () => false),
    target,
  )
})

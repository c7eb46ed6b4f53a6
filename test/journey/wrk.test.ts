/**
 * wrk, 64 connections for two seconds: everyone is answered, nobody is cut, and
 * nothing is held when they have left.
 *
 * Not a measurement: see docs for how fast it is.
 */
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { connectionsAt } from '../support/address.ts'
import { run, unless } from '../support/curl.ts'
import { descriptorsOf } from '../support/descriptors.ts'
import { waitUntil } from '../support/program.ts'
import { type Server, startServer } from '../support/server.ts'

const FILES = {
  'files/small.txt': 'small',
  'files/large.bin': Buffer.alloc(100_000, 'large'),
  'app.mjs': "export default async (request) => new Response('app of ' + request.url.length)",
  'stream.mjs': `const piece = new TextEncoder().encode('piece')
    export default () => new Response(new ReadableStream({
      start(controller) { controller.enqueue(piece); controller.enqueue(piece); controller.close() },
    }))`,
}

const TARGETS: readonly (readonly [string, readonly string[], string])[] = [
  ['the Hello, World! page', [], '/'],
  ['a small file', ['files'], '/small.txt'],
  ['a large file', ['files'], '/large.bin'],
  ['an app', ['app.mjs'], '/'],
  ['an app that streams', ['stream.mjs'], '/'],
]

const NO_ERRORS = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 }

for (const [what, args, path] of TARGETS) {
  test(`${what}, one request at a time and 16`, { skip: unless('wrk') }, async (t) => {
    const server = await startServer(t, { files: FILES, args: [...args, '--workers', '2'] })
    const url = `${server.url}${path}`
    await waitUntil(() => server.workers().length === 2, 'both workers are there')
    const workers = server.workers()
    // What a worker opens once, at its first request, stays open.
    await load(url, 1, '1s')
    const before = await descriptorsAtRest(server)

    for (const depth of [1, 16]) {
      const { requests, bytes, ...errors } = await load(url, depth, '2s')
      assert.deepEqual(errors, NO_ERRORS, `${depth} at a time`)
      assert.ok(requests > 0 && bytes > 0)
    }
    // A reset connection is gone from the kernel's table before the worker has heard of it.
    await waitUntil(() => isDeepStrictEqual(server.workers().map(descriptorsOf), before), 'no descriptor is kept')
    assert.deepEqual(server.workers(), workers)
    assert.equal((await fetch(url)).status, 200)
  })
}

async function descriptorsAtRest(server: Server): Promise<number[]> {
  await waitUntil(() => connectionsAt(server.port) === 0, 'all connections are closed')
  return server.workers().map(descriptorsOf)
}

interface Summary {
  readonly requests: number
  readonly bytes: number
}

async function load(url: string, depth: number, duration: string): Promise<Summary> {
  const script = resolve('test/fixtures/wrk.lua')
  const args = [
    '--threads',
    '1',
    '--connections',
    '64',
    '--duration',
    duration,
    '--script',
    script,
    url,
    '--',
    String(depth),
  ]
  const output = String(await run('wrk', args))
  return JSON.parse(/^JSON (.*)$/m.exec(output)![1]!) as Summary
}

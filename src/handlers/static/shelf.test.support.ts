/**
 * What tests of representations share: a folder of files that nobody has touched
 * for a while, and a handler whose clock the test sets.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import * as zlib from 'node:zlib'
import type { StaticOptions } from '../../config/options.ts'
import type { Reply } from '../handler.ts'
import { atOnce, bytesOf, fieldsOf, request, siteOf } from './site.test.support.ts'
import { createStaticHandler } from './static.ts'

/** Content changes are told by their times, to which the present must not be too near. */
const LATER_MS = 10_000
/** 14 November 2023, 22:13:20. */
export const MTIME_SECONDS = 1_700_000_000

/** `write` puts a file there, as old as all others unless another age is given. `clock` is the handler's, in milliseconds. */
export function shelf(
  t: TestContext,
  files: Readonly<Record<string, string | Uint8Array>>,
  options: Partial<StaticOptions> = {},
) {
  const root = mkdtempSync(join(tmpdir(), 'shelf-'))
  const write = (name: string, content: string | Uint8Array, mtimeSeconds = MTIME_SECONDS) => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
    utimesSync(join(root, name), mtimeSeconds, mtimeSeconds)
  }
  for (const [name, content] of Object.entries(files)) write(name, content)
  // Not before: where writing thousands takes its time, the last would seem to have changed just now.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + LATER_MS })
  const clock = { ms: 0 }
  const handler = createStaticHandler(siteOf(root, { cacheMs: 1_000, ...options }), undefined, () => clock.ms)
  t.after(() => {
    handler.close()
    rmSync(root, { recursive: true, force: true })
  })
  const later = (path: string, fields?: Record<string, string>, method = 'GET') =>
    handler(request(method, path, fields))
  const ask = (path: string, fields?: Record<string, string>, method = 'GET') => atOnce(later(path, fields, method))
  const encoded = (path: string, codings: string, method = 'GET') =>
    Promise.resolve(later(path, { 'Accept-Encoding': codings }, method))
  return { root, clock, write, later, ask, encoded }
}

export const HAS_ZSTD = 'zstdCompressSync' in zlib

/** The body's bytes, whatever it is. */
export async function contentOf(reply: Reply): Promise<Buffer> {
  const { body } = reply
  if (body === null || typeof body === 'string' || body instanceof Uint8Array || body.kind === 'file') {
    return bytesOf(reply)
  }
  if (body.kind === 'parts') {
    const parts = body.parts.map((part) => bytesOf({ status: 206, fields: [], body: part }))
    return Buffer.concat(parts)
  }
  const pieces: Uint8Array[] = []
  for await (const piece of body.stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** What a client has once it has undone the coding. */
export async function decodedOf(reply: Reply): Promise<Buffer> {
  const bytes = await contentOf(reply)
  switch (fieldsOf(reply)['content-encoding']) {
    case undefined:
      return bytes
    case 'br':
      return zlib.brotliDecompressSync(bytes)
    case 'gzip':
      return zlib.gunzipSync(bytes)
    case 'zstd':
      return (zlib as unknown as { zstdDecompressSync(bytes: Uint8Array): Buffer }).zstdDecompressSync(bytes)
    default:
      return assert.fail('an unknown coding')
  }
}

/** Text that becomes smaller, in which no two places are alike. */
export function textOf(bytes: number): string {
  let text = ''
  for (let i = 0; text.length < bytes; i++) text += `line ${i} of a text that says ${(i * 7919) % 1000}\n`
  return text.slice(0, bytes)
}

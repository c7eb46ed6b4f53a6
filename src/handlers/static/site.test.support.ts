/**
 * What tests of the static handler share: its options as they are when nobody
 * asks for others, and a request without a connection.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { StaticOptions } from '../../config/options.ts'
import { OPTION_PATHS, OPTION_TABLE } from '../../config/table.ts'
import { DONE, HeadParser } from '../../http/head-parser.ts'
import type { IncomingRequest, Reply } from '../handler.ts'
import type { FileSlice } from './open-file.ts'
import { createStaticHandler, type StaticSite } from './static.ts'

/** Each request looks at its files anew: tests change them faster than anybody else. Those about memory say so. */
export function siteOf(root: string, options: Partial<StaticOptions> = {}): StaticSite {
  return { ...optionsOf({ cacheMs: 0, ...options }), root }
}

export function optionsOf(options: Partial<StaticOptions> = {}): StaticOptions {
  const section = 'static.'
  const rows = OPTION_PATHS.filter((path) => path.startsWith(section))
  const defaults = rows.map((path) => [path.slice(section.length), OPTION_TABLE[path].default])
  return { ...(Object.fromEntries(defaults) as StaticOptions), ...options }
}

export function request(method: string, target: string, fields: Record<string, string> = {}): IncomingRequest {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: test\r\n${lines.join('')}\r\n`, 'latin1')
  const parser = new HeadParser({ headBytes: 16_384, fieldCount: 100, targetBytes: 8_192 })
  assert.equal(parser.parse(bytes, 0, bytes.length), DONE, parser.refusal ?? 'head not whole')
  return {
    head: parser.take(bytes, 0),
    body: null,
    remoteAddress: '127.0.0.1',
    remotePort: 50_000,
    localAuthority: 'test',
    isSecure: false,
    secure: null,
    signal: new AbortController().signal,
    enterForeignCode: () => {},
    waitUntil: () => {},
    upgrade() {
      throw new Error('a file server takes no connection over')
    },
  }
}

/** A reply that is there without waiting, as all are but those that must be compressed. */
export function atOnce(reply: Reply | Promise<Reply>): Reply {
  assert.ok(!(reply instanceof Promise), 'the reply must be waited for')
  return reply
}

/** By lower-case name. */
export function fieldsOf(reply: Reply): Record<string, string> {
  const pairs: [string, string][] = []
  for (let i = 0; i < reply.fields.length; i += 2) pairs.push([reply.fields[i]!.toLowerCase(), reply.fields[i + 1]!])
  return Object.fromEntries(pairs)
}

/** The body's bytes; a file is read as the connection would send it, then closed. */
export function bytesOf({ body }: Reply): Buffer {
  if (body === null) return Buffer.alloc(0)
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return Buffer.from(body)
  assert.equal(body.kind, 'file')
  const file = body as FileSlice
  const bytes = Buffer.alloc(file.length)
  assert.equal(readSync(file.fd, bytes, 0, file.length, file.offset), file.length)
  file.close()
  return bytes
}

/** A folder with these files, and the handler that serves it; both end with the test. A name that ends with a slash is a folder. */
export function serving(t: TestContext, files: readonly string[], options: Partial<StaticOptions> = {}, log?: Lines) {
  const root = mkdtempSync(join(tmpdir(), 'site-'))
  for (const name of files) {
    mkdirSync(join(root, name.endsWith('/') ? name : dirname(name)), { recursive: true })
    if (!name.endsWith('/')) writeFileSync(join(root, name), `[${name}]`)
  }
  const handler = createStaticHandler(siteOf(root, options), log && { warn: (line) => void log.push(line) })
  t.after(() => {
    handler.close()
    rmSync(root, { recursive: true })
  })
  const later = (path: string, fields?: Record<string, string>, method = 'GET') =>
    handler(request(method, path, fields))
  const ask = (path: string, fields?: Record<string, string>, method = 'GET') => atOnce(later(path, fields, method))
  return { root, handler, ask, later, get: (path: string) => storyOf(ask(path)) }
}

type Lines = string[]

/** `200 [about.html]`, `301 /about`, `404`. */
export function storyOf(reply: Reply): string {
  const bytes = bytesOf(reply)
  if (reply.status === 301) return `301 ${fieldsOf(reply).location}`
  return reply.status === 200 ? `200 ${bytes}` : `${reply.status}`
}

/** How many descriptors this process holds. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/**
 * A representation (RFC 9110 §3.2) of a file: as it is, as it lies compressed beside
 * it, or as it is compressed here. What is said of it with every answer is made once
 * for each version of the file: its validators, its fields, and the whole answer
 * where its content is kept in memory.
 *
 * Replies are shared between requests, and never changed.
 */
import type { Coding } from '../../http/accept-encoding.ts'
import type { Validators } from '../../http/conditional.ts'
import { httpDate } from '../../http/date.ts'
import { Stat } from '../../kernel/file.ts'
import type { Reply } from '../handler.ts'
import { entityTag } from './version.ts'

/** What is said of a file in all its versions, by its name. */
export interface Said {
  readonly type: string
  /** The coding that the file itself is in. */
  readonly coding: Coding | null
  /** Cache-Control, or null. */
  readonly cacheControl: string | null
  /** Which representation is sent depends on Accept-Encoding, RFC 9110 §12.5.5. */
  readonly varies: boolean
}

export const VARY = ['Vary', 'Accept-Encoding'] as const

export class Representation implements Validators {
  /** The file that holds it, beneath the root. */
  readonly name: string
  readonly coding: Coding | null
  /** The version of that file. */
  readonly version: Stat
  readonly type: string
  readonly etag: string
  readonly lastModifiedMs: number
  /** Of a 200. Content-Type comes first. */
  readonly fields: readonly string[]
  /** Null: nobody knows before it is made. */
  readonly size: number | null
  readonly notModified: Reply
  /** The content, when it is kept in memory. */
  bytes: Uint8Array | null = null
  /** And the 200 with it. */
  whole: Reply | null = null

  constructor(name: string, coding: Coding | null, stat: Stat, size: number | null, etag: string, said: Said) {
    this.name = name
    this.coding = coding
    this.version = Object.assign(new Stat(), stat)
    this.type = said.type
    this.size = size
    this.etag = etag
    // A Last-Modified later than Date MUST NOT be sent; the present stands in for it, RFC 9110 §8.8.2.1.
    this.lastModifiedMs = Math.min(stat.mtimeSeconds * 1_000, Date.now())
    this.fields = [
      'Content-Type',
      said.type,
      ...(coding === null ? [] : ['Content-Encoding', coding]),
      'X-Content-Type-Options',
      'nosniff',
      ...cachingFields(said),
      'Last-Modified',
      httpDate(this.lastModifiedMs),
      'ETag',
      etag,
      ...(size === null ? [] : ['Accept-Ranges', 'bytes']),
    ]
    // What a 200 would say about caching, a 304 must say, too, RFC 9110 §15.4.5. Date is the connection's.
    this.notModified = { status: 304, fields: ['ETag', etag, ...cachingFields(said)], body: null }
  }

  /** HEAD, RFC 9110 §9.3.2: what GET would say, and the file is not read. It knows no ranges (§14.2). */
  toHead(): Reply {
    const statedLength = this.bytes?.length ?? this.size
    return statedLength === null
      ? { status: 200, fields: this.fields, body: { kind: 'stream', stream: new ReadableStream() } } // as GET: chunked
      : { status: 200, fields: this.fields, body: null, statedLength }
  }

  /** From here on the whole is sent from memory. */
  keep(bytes: Uint8Array): Reply {
    this.bytes = bytes
    this.whole = { status: 200, fields: this.fields, body: bytes }
    return this.whole
  }
}

/** The bytes of a file: the one asked for, or the compressed one beside it, whose tag must be another (RFC 9110 §8.8.3.3). */
export class FileRepresentation extends Representation {
  declare readonly size: number

  constructor(name: string, coding: Coding | null, stat: Stat, said: Said, nowMs: number) {
    const tag = entityTag(stat, nowMs)
    super(name, coding, stat, stat.size, coding === null ? tag : suffixed(tag, coding), said)
  }
}

/**
 * A file compressed here. How large it becomes is not known before, nor do two
 * compressions have to come out alike: so its tag is weak, and it has no ranges.
 */
export class CompressedRepresentation extends Representation {
  declare readonly coding: Coding
  /** While it is being made: the answer for all who ask meanwhile. */
  pending: Promise<Reply> | null = null
  /** It did not become smaller. */
  isPointless = false

  constructor(identity: FileRepresentation, coding: Coding, said: Said) {
    const tag = suffixed(identity.etag, coding)
    super(identity.name, coding, identity.version, null, tag.startsWith('W/') ? tag : `W/${tag}`, said)
  }
}

function suffixed(tag: string, coding: Coding): string {
  return `${tag.slice(0, -1)}-${coding}"`
}

function cachingFields({ cacheControl, varies }: Said): string[] {
  return [...(cacheControl === null ? [] : ['Cache-Control', cacheControl]), ...(varies ? VARY : [])]
}

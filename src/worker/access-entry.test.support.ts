/** An entry of the access log, as tests of its parts need one. */
import type { AccessEntry, LoggedHead } from './access-format.ts'

export interface HeadParts {
  readonly method?: string
  readonly target?: string
  readonly minorVersion?: 0 | 1
  readonly host?: string
  readonly referer?: string | null
  readonly userAgent?: string | null
  readonly authorization?: string | null
}

export function headOf(parts: HeadParts = {}): LoggedHead {
  const { method = 'GET', target = '/', minorVersion = 1, host = 'test', referer = null } = parts
  const { userAgent = 'curl/8.5.0', authorization = null } = parts
  const fields = new Map([
    ['referer', referer],
    ['user-agent', userAgent],
    ['authorization', authorization],
  ])
  return { method, target, minorVersion, host, field: (name) => fields.get(name) ?? null }
}

export function entryOf(parts: HeadParts & Partial<AccessEntry> = {}): AccessEntry {
  return {
    remoteAddress: '127.0.0.1',
    remotePort: 1234,
    head: headOf(parts),
    salvage: null,
    refusal: null,
    status: 200,
    bodyBytes: 2326,
    requestBytes: 80,
    firstByteMicroseconds: 123,
    totalMicroseconds: 4567,
    acceptQueueMilliseconds: 0,
    connectionRequests: 1,
    tls: null,
    end: 'complete',
    ...parts,
  }
}

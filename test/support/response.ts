/**
 * Takes responses apart, strictly: what a careful client would refuse fails the
 * test that received it. RFC 9112 from the client's side, in the plainest way;
 * shares nothing with src/http, which it checks.
 */
import assert from 'node:assert/strict'

export interface RawResponse {
  readonly status: number
  /** Lower-case names. Several of one name are joined as RFC 9110 §5.3 says. */
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
  /** How the body's end was told. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  /** The pieces a chunked body came in. */
  readonly chunks: readonly Buffer[]
  /** Bytes of all of it. */
  readonly length: number
}

/** The response at the front of `bytes`; null while it is not whole. `isOver`: nothing more will come. */
export function parseResponse(bytes: Buffer, method: string, isOver: boolean): RawResponse | null {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const [line, ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/.exec(line!)?.[1] ?? assert.fail(`status line ${line}`))
  const fields = fieldsOf(lines)
  const from = headEnd + 4
  const response = (framing: RawResponse['framing'], body: Buffer, to: number, chunks: Buffer[] = []) => ({
    ...{ status, fields, body, framing, chunks, length: to },
  })
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) {
    return response('none', Buffer.alloc(0), from)
  }
  if (fields.has('transfer-encoding')) {
    assert.equal(fields.get('transfer-encoding'), 'chunked')
    assert.equal(fields.has('content-length'), false, 'a body framed twice')
    const chunked = readChunks(bytes, from)
    return chunked === null ? null : response('chunked', Buffer.concat(chunked.chunks), chunked.to, chunked.chunks)
  }
  const length = fields.get('content-length')
  if (length === undefined) return isOver ? response('close', bytes.subarray(from), bytes.length) : null
  assert.match(length, /^\d+$/)
  const to = from + Number(length)
  return bytes.length < to ? null : response('length', bytes.subarray(from, to), to)
}

/** Every chunk up to the last one; null while that has not come. */
export function readChunks(bytes: Buffer, from: number): { chunks: Buffer[]; to: number } | null {
  const chunks: Buffer[] = []
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return null
    const size = bytes.toString('latin1', at, lineEnd)
    assert.match(size, /^[0-9a-f]+$/, 'chunk size')
    const length = Number.parseInt(size, 16)
    const to = lineEnd + 2 + length
    if (bytes.length < to + 2) return null
    assert.equal(bytes.toString('latin1', to, to + 2), '\r\n', 'the end of a chunk')
    if (length === 0) return { chunks, to: to + 2 }
    chunks.push(bytes.subarray(lineEnd + 2, to))
    at = to + 2
  }
}

function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+): ([^\r\n]*)$/.exec(line) ?? assert.fail(`field line ${line}`)
    const lower = name!.toLowerCase()
    const first = fields.get(lower)
    fields.set(lower, first === undefined ? value! : `${first}, ${value}`)
  }
  return fields
}

/**
 * From the app's Response to a Reply.
 *
 * A body that is known goes as it is, and the connection counts it; any other is
 * a stream, handed on untouched so that its first piece can go out at once.
 * Nothing here reads a stream.
 */
import { mayHaveBody } from '../../http/status.ts'
import type { Reply, ReplyBody, StreamBody } from '../handler.ts'
import { areOfTypeAlone, LazyResponse } from './lazy-response.ts'
import { NativeResponse } from './native-fetch.ts'

/** The app answered with something that cannot be sent. The message says what, without a stack: it would show only us. */
export class UnusableResponse extends Error {
  override readonly name = 'UnusableResponse'
}

/** `method` is the request's: an answer to HEAD has no body. Throws UnusableResponse. */
export function replyFrom(answer: unknown, method: string): Reply | Promise<Reply> {
  if (isLazy(answer)) return replyOfKnown(answer, method) // nearly every one: it need not be asked what it is
  if (!isResponse(answer)) throw new UnusableResponse(`the app answered with ${nameOf(answer)} instead of a Response`)
  const response = innermost(answer)
  return isLazy(response) ? replyOfKnown(response, method) : replyOfStream(response, method)
}

function isLazy(answer: unknown): answer is LazyResponse {
  return typeof answer === 'object' && answer !== null && LazyResponse.isUntouched(answer)
}

function replyOfKnown(response: LazyResponse, method: string): Reply | Promise<Reply> {
  const { status, fields, body } = LazyResponse.take(response)
  return body instanceof Blob ? replyOfBlob(status, fields, body, method) : framed(status, fields, body, method)
}

/** A Response of another implementation (the undici package's) will do: what is used here is the standard's. */
function isResponse(answer: unknown): answer is Response {
  if (answer instanceof NativeResponse) return true
  return typeof answer === 'object' && answer !== null && Reflect.get(answer, Symbol.toStringTag) === 'Response'
}

/** h3 answers with a class of its own (srvx's FastResponse), which keeps the Response it stands for in `_response`. */
function innermost(answer: Response): Response {
  const inner: unknown = Reflect.get(answer, '_response')
  return inner instanceof NativeResponse ? (inner as Response) : answer
}

function nameOf(answer: unknown): string {
  if (answer === null || answer === undefined) return String(answer)
  if (typeof answer !== 'object') return `a ${typeof answer}`
  const name: unknown = answer.constructor?.name
  return typeof name === 'string' && name !== '' ? `an object (${name})` : 'an object'
}

/** A Blob up to this size is read at once; a longer one may lie in a file and is streamed. */
const BLOB_AT_ONCE_BYTES = 64 * 1024

function replyOfBlob(status: number, fields: readonly string[], blob: Blob, method: string): Reply | Promise<Reply> {
  const counted = [...fields, 'content-length', String(blob.size)]
  if (method === 'HEAD') return framed(status, counted, null, method)
  if (blob.size <= BLOB_AT_ONCE_BYTES) {
    return blob.arrayBuffer().then((bytes) => framed(status, fields, new Uint8Array(bytes), method))
  }
  return framed(status, counted, { kind: 'stream', stream: blob.stream() as ReadableStream<Uint8Array> }, method)
}

function replyOfStream(response: Response, method: string): Reply {
  const { status, body } = response
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new UnusableResponse(`the app answered with a Response of status ${status}, which cannot be sent`)
  }
  if (response.bodyUsed || body?.locked) {
    throw new UnusableResponse(
      `the app answered with a Response whose body is already ${response.bodyUsed ? 'used' : 'locked'}`,
    )
  }
  const fields = fieldsOf(response)
  // To HEAD the stream goes along, cancelled: it says that the length is not known.
  if (body !== null && method === 'HEAD') body.cancel().catch(() => {})
  return framed(status, fields, body === null ? null : { kind: 'stream', stream: body }, method)
}

function fieldsOf(response: Response): string[] {
  const fields: string[] = []
  const isDecoded = wasDecoded(response)
  response.headers.forEach((value, name) => {
    if (name === 'set-cookie') return
    if (isDecoded && (name === 'content-encoding' || name === 'content-length')) return
    fields.push(name, value)
  })
  for (const cookie of response.headers.getSetCookie()) fields.push('set-cookie', cookie)
  return fields
}

/**
 * An answer handed on from fetch() comes with its body decompressed by Node, but
 * with the fields of the compressed one. Only such a Response has a URL.
 */
function wasDecoded(response: Response): boolean {
  if (response.url === '' || response.body === null) return false
  const codings = response.headers.get('content-encoding')
  return codings?.split(',').every((coding) => DECODED.has(coding.trim().toLowerCase())) ?? false
}

/** What every supported Node decodes. */
const DECODED: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate', 'br'])

/** Takes out what the connection says for itself, and keeps the length where nothing else tells it. */
function framed(status: number, fields: readonly string[], body: ReplyBody, method: string): Reply {
  let sent = fields
  let stated: number | undefined
  const length = areOfTypeAlone(fields) ? 0 : fields.length
  for (let i = 0; i < length; i += 2) {
    checkValue(fields[i]!, fields[i + 1]!)
    if (!isOwned(fields[i]!, status)) continue
    if (fields[i] === 'content-length') stated = lengthOf(fields[i + 1]!)
    if (sent === fields) sent = withoutOwned(fields, status)
  }
  if (body !== null && !isStream(body)) return { status, fields: sent, body }
  if (body === null && method === 'HEAD' && stated === undefined && mayHaveBody(status)) body = unknownBody()
  const isStated = stated !== undefined && (body !== null || method === 'HEAD' || status === 304)
  return isStated ? { status, fields: sent, body, statedLength: stated } : { status, fields: sent, body }
}

/**
 * An app that answers HEAD with no body does not say that GET would have none,
 * and Content-Length: 0 would (RFC 9110 §8.6). A stream leaves it open.
 */
function unknownBody(): StreamBody {
  return { kind: 'stream', stream: new ReadableStream({ start: (controller) => controller.close() }) }
}

function isStream(body: Exclude<ReplyBody, null>): body is StreamBody {
  return typeof body === 'object' && 'kind' in body && body.kind === 'stream'
}

/** RFC 9110 §5.5. A Headers object lets other control characters through. */
function checkValue(name: string, value: string): void {
  if (SENDABLE.test(value)) return
  throw new UnusableResponse(`the app answered with a control character in its field '${name}'`)
}

const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/

function withoutOwned(fields: readonly string[], status: number): string[] {
  const kept: string[] = []
  for (let i = 0; i < fields.length; i += 2) if (!isOwned(fields[i]!, status)) kept.push(fields[i]!, fields[i + 1]!)
  return kept
}

/** A 426 says what to upgrade to, and must (RFC 9110 §15.5.22); elsewhere it is what some origin offered to us. */
function isOwned(name: string, status: number): boolean {
  return OWNED.has(name) && !(status === 426 && name === 'upgrade')
}

/** Where a message ends and what becomes of the connection: RFC 9110 §7.6.1, and Content-Length. */
const OWNED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function lengthOf(value: string): number | undefined {
  const length = /^\d+$/.test(value) ? Number(value) : Number.NaN
  return Number.isSafeInteger(length) ? length : undefined
}

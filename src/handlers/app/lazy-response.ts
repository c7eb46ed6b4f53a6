/**
 * A Response that is not made until it is needed.
 *
 * Node makes a ReadableStream for every Response with a body, and then reads it:
 * several times the cost of all else this server does for a small response. A
 * body that is a string, bytes, a Blob or URLSearchParams is kept as it is, and
 * so are the fields. Who looks at more than status and headers gets the real
 * one, made once.
 *
 * Only what is plainly right is taken: everything else (a stream, FormData, an
 * odd status, a malformed header, which must throw) is left to Node's own class.
 */
import { copyHeaders, markAsUncloneable, NativeResponse, standInFor } from './native-fetch.ts'
import { plainFields } from './plain-fields.ts'

export type KnownBody = string | Uint8Array<ArrayBuffer> | Blob | null

/** What there is to send. `fields` alternates names, in lower case, and values. */
export interface ResponseParts {
  readonly status: number
  readonly fields: readonly string[]
  readonly body: KnownBody
}

export class LazyResponse {
  readonly #status: number
  readonly #statusText: string
  readonly #fields: readonly string[]
  readonly #body: KnownBody
  #headers: Headers | undefined
  #real: Response | undefined
  /** The body has been sent; the real Response, if ever made, has a used one. */
  #isTaken = false

  constructor(status: number, statusText: string, fields: readonly string[], body: KnownBody) {
    this.#status = status
    this.#statusText = statusText
    this.#fields = fields
    this.#body = body
    markAsUncloneable(this)
  }

  /** Whether this is a lazy Response whose parts can be taken: nobody has made it a real one. */
  static isUntouched(value: object): value is LazyResponse {
    return #body in value && value.#real === undefined && !value.#isTaken
  }

  /** The parts, once: a body that was sent is used, as a real one would be. */
  static take(response: LazyResponse): ResponseParts {
    response.#isTaken = response.#body !== null
    const fields = response.#headers === undefined ? response.#fields : [...response.#headers].flat()
    return { status: response.#status, fields, body: response.#body }
  }

  static real(response: LazyResponse): Response {
    return response.#materialise()
  }

  get status(): number {
    return this.#status
  }

  get statusText(): string {
    return this.#statusText
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299
  }

  get headers(): Headers {
    this.#headers ??= headersOf(this.#fields)
    return this.#headers
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#body === null ? null : this.#materialise().body
  }

  get bodyUsed(): boolean {
    return this.#real === undefined ? this.#isTaken : this.#real.bodyUsed
  }

  #materialise(): Response {
    if (this.#real === undefined) {
      this.#real = new NativeResponse(this.#body, { status: this.#status, statusText: this.#statusText })
      if (this.#isTaken) this.#real.arrayBuffer().catch(() => {})
      copyHeaders(this.headers, this.#real.headers)
    } else if (this.#headers !== undefined) {
      // The app may have changed the headers it was given, and means those.
      copyHeaders(this.#headers, this.#real.headers)
    }
    return this.#real
  }
}

standInFor(LazyResponse.prototype, NativeResponse.prototype, LazyResponse.real)

/**
 * `new Response(body, init)`; null where Node's own class shall do it. `type` is
 * the Content-Type of a body that does not bring its own: Response.json.
 */
export function lazyResponse(body: unknown, init: unknown, type?: string): LazyResponse | null {
  const known = knownBody(body)
  if (known === undefined) return null
  const bodyType = type ?? typeOf(body)
  if (init === undefined || init === null) return new LazyResponse(200, '', fieldsOfType(bodyType), known)
  if (typeof init !== 'object') return null
  const { headers, status = 200, statusText = '' } = init as ResponseInit
  const fields = plainFields(headers)
  if (fields === null || !isPlainStatus(status, known) || !isReasonPhrase(statusText)) return null
  return new LazyResponse(status, statusText, withType(fields, bodyType), known)
}

/** Undefined for a body that is not known as a whole, or not as plainly. Bytes are copied: the app may use its own again. */
function knownBody(body: unknown): KnownBody | undefined {
  if (typeof body === 'string') return body
  if (body === null || body === undefined) return null
  if (body instanceof Blob) return body
  if (body instanceof URLSearchParams) return body.toString()
  if (body instanceof ArrayBuffer) return isPlainBuffer(body) ? new Uint8Array(body).slice() : undefined
  if (!ArrayBuffer.isView(body) || !isPlainBuffer(body.buffer)) return undefined
  return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice()
}

/** Shared and resizable memory is not allowed as a body: Node's class says so. */
function isPlainBuffer(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return buffer instanceof ArrayBuffer && !(buffer as { resizable?: boolean }).resizable
}

/** The Content-Type that the Fetch standard gives a body, "extract". */
function typeOf(body: unknown): string {
  if (typeof body === 'string') return TEXT_TYPE
  if (body instanceof Blob) return body.type
  return body instanceof URLSearchParams ? 'application/x-www-form-urlencoded;charset=UTF-8' : ''
}

/** Of most answers these are all. The same list each time need not be looked through. */
const TEXT_TYPE = 'text/plain;charset=UTF-8'
const JSON_TYPE = 'application/json'
const TEXT_FIELDS: readonly string[] = ['content-type', TEXT_TYPE]
const JSON_FIELDS: readonly string[] = ['content-type', JSON_TYPE]

/** Whether these are such: nothing is wrong with them, and the connection says none of it for itself. */
export function areOfTypeAlone(fields: readonly string[]): boolean {
  return fields === TEXT_FIELDS || fields === JSON_FIELDS
}

function fieldsOfType(type: string): readonly string[] {
  if (type === JSON_TYPE) return JSON_FIELDS
  return type === TEXT_TYPE ? TEXT_FIELDS : withType([], type)
}

function withType(fields: readonly string[], type: string): readonly string[] {
  if (type === '') return fields
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === 'content-type') return fields
  return [...fields, 'content-type', type]
}

function isPlainStatus(status: unknown, body: KnownBody): status is number {
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) return false
  return body === null || !NULL_BODY_STATUSES.has(status as number)
}

/** With these a body is an error, Fetch standard "null body status". */
const NULL_BODY_STATUSES: ReadonlySet<number> = new Set([204, 205, 304])

function isReasonPhrase(text: unknown): text is string {
  return text === '' || (typeof text === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(text))
}

function headersOf(fields: readonly string[]): Headers {
  const headers = new Headers()
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i]!, fields[i + 1]!)
  return headers
}

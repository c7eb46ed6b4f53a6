/**
 * A Request that is not made until it is needed.
 *
 * Making a real Request costs about as much as all else this server does for a
 * small request, and most handlers only look at its method, URL, headers and
 * perhaps its body. Those are answered from the request's head. Anything else
 * makes the real one, once, and from then on speaks for it.
 *
 * It passes for a Request (`instanceof`, every member, inspection). What must
 * look inside a real one, `new Request(it)` and `fetch(it)`, unwraps it first:
 * lazy-fetch.ts.
 */
import type { BodySource, IncomingRequest } from '../handler.ts'
import { LazyHeaders, nativeHeaders } from './lazy-headers.ts'
import { copyHeaders, markAsUncloneable, NativeRequest, NativeResponse, standInFor } from './native-fetch.ts'
import { collect, decodeUtf8, streamOf } from './request-body.ts'
import { hrefOf } from './request-url.ts'

export class LazyRequest {
  readonly #incoming: IncomingRequest
  readonly #origin: string
  readonly #source: BodySource | null
  #url: string | undefined
  #headers: Headers | undefined
  #real: Request | undefined
  /** The body went to one of the methods below; the real Request, if ever made, has a used one. */
  #isTaken = false

  constructor(incoming: IncomingRequest, origin: string) {
    this.#incoming = incoming
    this.#origin = origin
    this.#source = bodyOf(incoming)
    markAsUncloneable(this)
  }

  /** The real Request for a lazy one; anything else as it is. */
  static unwrap(value: unknown): unknown {
    return typeof value === 'object' && value !== null && #incoming in value ? value.#materialise() : value
  }

  static real(request: LazyRequest): Request {
    return request.#materialise()
  }

  get method(): string {
    return this.#incoming.head.method
  }

  get url(): string {
    this.#url ??= urlOf(this.#incoming, this.#origin)
    return this.#url
  }

  get headers(): Headers {
    this.#headers ??= new LazyHeaders(this.#incoming.head) as unknown as Headers
    return this.#headers
  }

  get signal(): AbortSignal {
    return this.#incoming.signal
  }

  get bodyUsed(): boolean {
    return this.#real === undefined ? this.#isTaken : this.#real.bodyUsed
  }

  text(): Promise<string> {
    const source = this.#takeBody()
    return source === null ? this.#materialise().text() : collect(source).then(decodeUtf8)
  }

  json(): Promise<unknown> {
    const source = this.#takeBody()
    if (source === null) return this.#materialise().json()
    return collect(source).then((bytes) => JSON.parse(decodeUtf8(bytes)))
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    const source = this.#takeBody()
    return source === null ? this.#materialise().arrayBuffer() : collect(source).then((bytes) => bytes.buffer)
  }

  /** The two that follow are parsed by Node's own class, which is given the body in one piece: it keeps all pieces until the end. */
  blob(): Promise<Blob> {
    const source = this.#takeBody()
    return source === null ? this.#materialise().blob() : this.#inOnePiece(source).then((whole) => whole.blob())
  }

  formData(): Promise<FormData> {
    const source = this.#takeBody()
    return source === null ? this.#materialise().formData() : this.#inOnePiece(source).then((whole) => whole.formData())
  }

  #inOnePiece(source: BodySource): Promise<Response> {
    const type = this.headers.get('content-type')
    const headers: Record<string, string> = type === null ? {} : { 'Content-Type': type }
    return collect(source).then((bytes) => new NativeResponse(bytes, { headers }))
  }

  /** The body, if nobody has touched it yet. Null: let the real Request say what is to be said. */
  #takeBody(): BodySource | null {
    if (this.#real !== undefined || this.#isTaken || this.#source === null) return null
    this.#isTaken = true
    return this.#source
  }

  #materialise(): Request {
    if (this.#real === undefined) {
      this.#real = this.#isTaken ? withUsedBody(this.#incoming, this.url) : realRequest(this.#incoming, this.url)
    }
    // The app may have changed the headers it was given, and means those.
    if (this.#headers !== undefined && LazyHeaders.mayDiffer(this.#headers))
      copyHeaders(this.#headers, this.#real.headers)
    return this.#real
  }
}

standInFor(LazyRequest.prototype, NativeRequest.prototype, LazyRequest.real)

/** The Request of a server without the lazy classes. */
export function eagerRequest(incoming: IncomingRequest, origin: string): Request {
  return realRequest(incoming, urlOf(incoming, origin))
}

function realRequest(incoming: IncomingRequest, url: string): Request {
  const source = bodyOf(incoming)
  return newRequest(incoming, url, source === null ? null : streamOf(source))
}

/** For a body that was read past the real Request: it is made with an empty one, which is used up at once. */
function withUsedBody(incoming: IncomingRequest, url: string): Request {
  const empty = new ReadableStream({ start: (controller) => controller.close() })
  const request = newRequest(incoming, url, empty)
  request.arrayBuffer().catch(() => {})
  return request
}

function newRequest(incoming: IncomingRequest, url: string, body: ReadableStream<Uint8Array> | null): Request {
  const { method } = incoming.head
  return new NativeRequest(url, {
    method,
    headers: nativeHeaders(incoming.head),
    signal: incoming.signal,
    ...(body !== null && { body, duplex: 'half' }),
  })
}

function urlOf({ head }: IncomingRequest, origin: string): string {
  return hrefOf(origin, head.path, head.query)
}

/** A Request to GET or HEAD has no body (Fetch standard), whatever the client sent with it. */
function bodyOf({ head, body }: IncomingRequest): BodySource | null {
  return head.method === 'GET' || head.method === 'HEAD' ? null : body
}

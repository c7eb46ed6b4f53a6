/**
 * Node's own reader of HTTP/1, llhttp, driven as node:http drives it, without leniency and without a socket.
 *
 * Node hands its parser out at one place only, the internals of node:http: `process.binding` no longer has it. So that a
 * later Node may deprecate that place without a word in the output of the tests, warnings are off while it is asked.
 */
import { METHODS } from 'node:http'
import { createRequire } from 'node:module'
import type { Reading, WholeRequest } from './reading.ts'

/** As far as it is used here; the callbacks lie under numbers that the class tells. */
interface Parser {
  initialize(type: number, resource: object, headBytesMax: number, leniency: number): void
  execute(bytes: Buffer): number | ParseError
  [callback: number]: unknown
}

interface ParseError extends Error {
  readonly code: string
  readonly reason: string
}

interface ParserClass {
  new (): Parser
  readonly REQUEST: number
  readonly kOnMessageBegin: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
  readonly kLenientNone: number
}

const HEAD_BYTES_MAX = 1_000_000
const HTTPParser = parserClass()

/** Why it refused what follows a request with an Upgrade: Node keeps the error to itself, so it may be any. */
export const HIDDEN = 'an error that Node hides behind an upgrade'

/** Made once, and used for one input after the other. */
class Llhttp {
  readonly #parser = new HTTPParser()
  readonly #methods = new Map<number, string>()
  /** The request being read, and those that are whole. */
  #method = 0
  #version = ''
  #target = ''
  #fields: string[] = []
  #keepAlive = false
  #body = ''
  #isInHead = false
  #isAmidRequest = false
  #whole: WholeRequest[] = []
  #isOver = false

  constructor() {
    const parser = this.#parser
    parser[HTTPParser.kOnMessageBegin] = () => this.#beginRequest()
    parser[HTTPParser.kOnHeaders] = (some: string[], url: string) => this.#addFields(some, url)
    parser[HTTPParser.kOnHeadersComplete] = this.#endHead.bind(this)
    parser[HTTPParser.kOnBody] = (piece: Buffer) => {
      this.#body += piece.toString('latin1')
    }
    parser[HTTPParser.kOnMessageComplete] = () => this.#endRequest()
    // It tells a method by its number in a table that each release orders as it likes.
    for (const name of METHODS) {
      this.read(Buffer.from(`${name} ${name === 'CONNECT' ? 'a:1' : '/'} HTTP/1.1\r\n\r\n`))
      this.#methods.set(this.#method, name)
    }
  }

  read(bytes: Buffer): Reading {
    this.#whole = []
    this.#isOver = false
    this.#isInHead = this.#isAmidRequest = false
    this.#parser.initialize(HTTPParser.REQUEST, {}, HEAD_BYTES_MAX, HTTPParser.kLenientNone)
    const refusal = this.#execute(bytes)
    const requests = this.#whole
    if (this.#isOver) return { requests, end: 'closed', why: '' }
    if (refusal !== null) return { requests, end: 'refused', why: refusal }
    // Its finish() would tell as well, but that Node hides an error there behind an upgrade, too.
    return { requests, end: this.#isAmidRequest ? 'unfinished' : 'waiting', why: '' }
  }

  /** Behind a request that asks for an upgrade it stops, to be asked whether the rest is still HTTP. It is. */
  #execute(bytes: Buffer): string | null {
    for (let from = 0; from < bytes.length; ) {
      const used = this.#parser.execute(bytes.subarray(from))
      if (typeof used !== 'number') return `${used.code}: ${used.reason}`
      if (used === 0) return HIDDEN // and comes no further
      from += used
    }
    return null
  }

  #beginRequest(): void {
    this.#target = ''
    this.#fields = []
    this.#body = ''
    this.#isInHead = this.#isAmidRequest = true
  }

  /** Some of the fields, when there are many; behind the body, trailers. */
  #addFields(some: string[], url: string): void {
    if (!this.#isInHead) return
    this.#fields.push(...some)
    this.#target += url
  }

  #endHead(
    ...[major, minor, rest, method, url, , , , keepAlive]: [
      major: number,
      minor: number,
      rest: string[] | undefined,
      method: number,
      url: string | undefined,
      status: unknown,
      message: unknown,
      upgrade: boolean,
      keepAlive: boolean,
    ]
  ): number {
    this.#isInHead = false
    this.#method = method
    this.#version = `${major}.${minor}`
    if (rest !== undefined) this.#fields = rest
    if (url !== undefined) this.#target = url
    this.#keepAlive = keepAlive
    return 0 // read on: nobody takes an upgrade
  }

  #endRequest(): void {
    this.#isAmidRequest = false
    if (this.#isOver) return
    this.#whole.push({
      method: this.#methods.get(this.#method) ?? '',
      target: this.#target,
      version: this.#version,
      host: this.#host(),
      keepAlive: this.#keepAlive,
      body: this.#body,
    })
    this.#isOver = !this.#keepAlive
  }

  #host(): string {
    const at = this.#fields.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === 'host')
    return at === -1 ? '' : this.#fields[at + 1]!
  }
}

const llhttp = new Llhttp()

export function readWithLlhttp(bytes: Buffer): Reading {
  return llhttp.read(bytes)
}

function parserClass(): ParserClass {
  const before = process.noDeprecation
  process.noDeprecation = true
  const { HTTPParser } = createRequire(import.meta.url)('node:_http_common') as { HTTPParser: ParserClass }
  process.noDeprecation = before ?? false
  return HTTPParser
}

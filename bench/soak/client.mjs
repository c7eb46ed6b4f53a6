/**
 * One connection to the server under soak, spoken to in bytes: an agent of a library
 * would try again, or mend, what is to be seen here.
 */
import { connect } from 'node:net'

const PATIENCE_MS = 30_000

export class Client {
  #socket
  #pieces
  #rest = Buffer.alloc(0)

  constructor(port) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('error', () => {}) // whoever reads is told
    this.#socket.setTimeout(PATIENCE_MS, () => {
      this.#socket.destroy(new Error(`nothing came for ${PATIENCE_MS / 1000} s`))
    })
    this.#pieces = this.#socket[Symbol.asyncIterator]()
  }

  send(...pieces) {
    for (const piece of pieces) this.#socket.write(piece)
    return this
  }

  /** { status, headers, body }; the names of headers are in lower case. */
  async response() {
    const [statusLine, ...lines] = (await this.#takeTo('\r\n\r\n')).toString('latin1').split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
    const headers = Object.fromEntries(lines.map((line) => split(line)))
    return { status, headers, body: await this.#body(status, headers) }
  }

  /** Settles when the first bytes of an answer have come. */
  async firstBytes() {
    await this.#more()
  }

  /** What is still expected of a server that is to hang up: nothing. */
  async end() {
    const { done } = await this.#pieces.next()
    if (!done || this.#rest.length > 0) throw new Error('bytes after the last answer')
  }

  destroy() {
    this.#socket.destroy()
  }

  async #body(status, headers) {
    if (status === 304 || status === 204) return Buffer.alloc(0)
    if (headers['transfer-encoding'] !== 'chunked') return this.#take(Number(headers['content-length']))
    const chunks = []
    for (;;) {
      const size = Number.parseInt((await this.#takeTo('\r\n')).toString('latin1'), 16)
      if (Number.isNaN(size)) throw new Error('a chunk without a size')
      if (size > 0) chunks.push(await this.#take(size))
      if ((await this.#takeTo('\r\n')).length > 0) throw new Error('a chunk that is longer than it says')
      if (size === 0) return Buffer.concat(chunks)
    }
  }

  async #take(count) {
    if (Number.isNaN(count)) throw new Error('an answer without a length')
    const pieces = [this.#rest]
    let length = this.#rest.length
    while (length < count) {
      const piece = await this.#more()
      pieces.push(piece)
      length += piece.length
    }
    const all = Buffer.concat(pieces)
    this.#rest = all.subarray(count)
    return all.subarray(0, count)
  }

  async #takeTo(delimiter) {
    for (;;) {
      const at = this.#rest.indexOf(delimiter)
      if (at !== -1) {
        const taken = this.#rest.subarray(0, at)
        this.#rest = this.#rest.subarray(at + delimiter.length)
        return taken
      }
      this.#rest = Buffer.concat([this.#rest, await this.#more()])
    }
  }

  async #more() {
    const { value, done } = await this.#pieces.next()
    if (done) throw new Error('the server hung up before its answer was whole')
    return value
  }
}

function split(line) {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

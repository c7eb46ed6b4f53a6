/**
 * A request's body as the app may want it: a stream, or all of it at once.
 *
 * Either way a piece is asked of the connection only when the app's reader asks
 * for one, so a slow app slows its client down instead of filling the memory.
 */
import type { BodySource } from '../handler.ts'

/** Nothing is read ahead (highWaterMark 0): a piece the app did not ask for stays with the client. */
export function streamOf(source: BodySource): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = await source.read()
        if (piece === null) controller.close()
        else controller.enqueue(piece)
      },
      cancel() {
        source.cancel()
      },
    },
    { highWaterMark: 0 },
  )
}

/** The whole body, in memory of its own. How long it may be is the connection's to enforce. */
export async function collect(source: BodySource): Promise<Uint8Array<ArrayBuffer>> {
  // Into one buffer that grows: a client may send a byte at a time, and a piece for each would cost a hundred times as much.
  let whole = new Uint8Array(0)
  let length = 0
  for (let piece = await source.read(); piece !== null; piece = await source.read()) {
    if (length + piece.length > whole.length) {
      const larger = new Uint8Array(Math.max(length + piece.length, Math.ceil(GROWTH * whole.length)))
      larger.set(whole.subarray(0, length))
      whole = larger
    }
    whole.set(piece, length)
    length += piece.length
  }
  return whole.length === length ? whole : whole.slice(0, length)
}

/** Of a buffer that is too small, so that a body is copied a few times at most. */
const GROWTH = 1.5

/** UTF-8 decode of the Encoding standard: a byte order mark is dropped, what is malformed becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return utf8.decode(bytes)
}

const utf8 = new TextDecoder()

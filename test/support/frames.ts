/**
 * WebSocket frames by hand (RFC 6455 §5), for what no WebSocket library would
 * send: reserved bits, broken fragments, bytes that are no UTF-8.
 */
import { connectAndSend, type RawClient, request } from './raw.ts'

export const CONTINUATION = 0x0
export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

const NAMES: Readonly<Record<number, string>> = {
  [TEXT]: 'text',
  [BINARY]: 'binary',
  [CLOSE]: 'close',
  [PING]: 'ping',
  [PONG]: 'pong',
}

/** Longer payloads are told by their length. */
const SHOWN_BYTES_MAX = 40
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d])

export interface FrameParts {
  /** The last of its message; true by default. */
  readonly fin?: boolean
  /** The three reserved bits as a number, 0 to 7. */
  readonly rsv?: number
  /** False only to see it refused: a client's frames are masked (§5.1). */
  readonly masked?: boolean
}

/** One frame as a client sends it. */
export function frame(opcode: number, payload: string | Uint8Array = '', parts: FrameParts = {}): Buffer {
  const { fin = true, rsv = 0, masked = true } = parts
  const bytes = Buffer.from(payload as string)
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  const head = [Buffer.from([first, (masked ? 0x80 : 0) | lengthCode(bytes.length)]), longLength(bytes.length)]
  if (!masked) return Buffer.concat([...head, bytes])
  for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i]! ^ MASK[i % 4]!
  return Buffer.concat([...head, MASK, bytes])
}

/** A message in pieces of so many bytes. */
export function fragmented(opcode: number, payload: Uint8Array, pieceBytes: number): Buffer {
  const frames: Buffer[] = []
  for (let at = 0; at < payload.length; at += pieceBytes) {
    const fin = at + pieceBytes >= payload.length
    frames.push(frame(at === 0 ? opcode : CONTINUATION, payload.subarray(at, at + pieceBytes), { fin }))
  }
  return Buffer.concat(frames)
}

export function closeFrame(code: number, reason: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.from([code >> 8, code & 0xff])
  return frame(CLOSE, Buffer.concat([bytes, Buffer.from(reason as string)]))
}

function lengthCode(length: number): number {
  if (length < 126) return length
  return length < 65_536 ? 126 : 127
}

function longLength(length: number): Buffer {
  const bytes = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8)
  if (bytes.length === 2) bytes.writeUInt16BE(length)
  if (bytes.length === 8) bytes.writeBigUInt64BE(BigInt(length))
  return bytes
}

/** A connection whose handshake is done. */
export async function openRaw(
  t: Parameters<typeof connectAndSend>[0],
  port: number,
  path = '/echo',
): Promise<RawClient> {
  const fields = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  const client = await connectAndSend(t, port, request(`GET ${path}`, ...fields, key))
  const head = (await client.until('\r\n\r\n')).toString('latin1')
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`no handshake: ${head}`)
  client.take(head.indexOf('\r\n\r\n') + 4)
  return client
}

/** What the server says, frame by frame, until its Close frame or its end: `text "Hello" | close 1000`. */
export async function storyOf(client: RawClient): Promise<string> {
  const told: string[] = []
  for (let next = await nextFrame(client); next !== null; next = await nextFrame(client)) {
    told.push(next)
    if (next.startsWith('close')) break
  }
  return told.join(' | ')
}

/** Null when the server ends without another frame. */
export async function nextFrame(client: RawClient): Promise<string | null> {
  try {
    const [first, second] = await client.atLeast(2)
    const code = second! & 0x7f
    const headBytes = 2 + (code < 126 ? 0 : code === 126 ? 2 : 8)
    const head = await client.atLeast(headBytes)
    const length = code < 126 ? code : code === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2))
    const whole = await client.atLeast(headBytes + length)
    const payload = Buffer.from(whole.subarray(headBytes, headBytes + length))
    client.take(headBytes + length)
    return describe(first!, second!, payload)
  } catch (error) {
    if (client.over !== null && client.received.length === 0) return null
    throw error
  }
}

/** A frame of a server is whole, plain and unmasked (§5.1). */
function describe(first: number, second: number, payload: Buffer): string {
  const name = NAMES[first & 0x0f]
  if ((first & 0xf0) !== 0x80 || second > 0x7f || name === undefined) throw new Error(`frame ${first} ${second}`)
  if (name === 'close') {
    const reason = payload.toString('utf8', 2)
    return payload.length < 2 ? 'close' : `close ${payload.readUInt16BE(0)}${reason === '' ? '' : ` ${shown(reason)}`}`
  }
  return payload.length === 0
    ? name
    : `${name} ${shown(name === 'text' ? payload.toString() : payload.toString('latin1'))}`
}

export function shown(text: string): string {
  return text.length > SHOWN_BYTES_MAX ? `of ${text.length}` : JSON.stringify(text)
}

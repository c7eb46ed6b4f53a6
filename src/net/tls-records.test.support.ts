/**
 * Records of TLS as bytes, and with the secrets of a connection what is in them: so a test can damage a message and
 * encrypt it as its sender would have. Of AES-128-GCM with SHA-256 alone.
 *
 * https://www.rfc-editor.org/rfc/rfc8446#section-5
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'

export type Version = 'TLSv1.2' | 'TLSv1.3'
/** By the labels of the key log (SSLKEYLOGFILE); `client random` and `server random`. */
export type Secrets = Map<string, Buffer>

/** RFC 8446 §B.1 */
export const CHANGE_CIPHER_SPEC = 20
export const ALERT = 21
export const HANDSHAKE = 22
export const APPLICATION_DATA = 23

export interface TlsRecord {
  readonly type: number
  readonly body: Buffer
}

/** With the length that the body has, unless another is asked for. */
export function bytesOf({ type, body }: TlsRecord, length = body.length): Buffer {
  return Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 0xff]), body])
}

/** As far as they are whole. */
export function recordsIn(bytes: Buffer): TlsRecord[] {
  const records: TlsRecord[] = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt16BE(at + 3)
    if (end > bytes.length) break
    records.push({ type: bytes[at]!, body: bytes.subarray(at + 5, end) })
    at = end
  }
  return records
}

/** Of a flight its messages, whatever records they are in; what is encrypted is as good as one. */
export function messagesIn(records: readonly TlsRecord[]): Buffer {
  const isMessage = ({ type }: TlsRecord) => type === HANDSHAKE || type === APPLICATION_DATA
  return Buffer.concat(records.filter(isMessage).map(({ body }) => body))
}

/** What a client encrypts with: from the handshake's secret, or that of what follows it. */
export class ClientKeys {
  readonly #version: Version
  #secret: Buffer
  #key: Buffer
  #iv: Buffer
  #sequence = 0

  constructor(version: Version, secrets: Secrets, stage: 'handshake' | 'traffic') {
    this.#version = version
    if (version === 'TLSv1.2') {
      const randoms = [secrets.get('server random')!, secrets.get('client random')!]
      const block = prf(secrets.get('CLIENT_RANDOM')!, 'key expansion', Buffer.concat(randoms), 40)
      this.#secret = block
      this.#key = block.subarray(0, 16)
      this.#iv = block.subarray(32, 36)
    } else {
      this.#secret = secrets.get(stage === 'handshake' ? 'CLIENT_HANDSHAKE_TRAFFIC_SECRET' : 'CLIENT_TRAFFIC_SECRET_0')!
      this.#key = expand(this.#secret, 'key', 16)
      this.#iv = expand(this.#secret, 'iv', 12)
    }
  }

  /** So many records were sealed by somebody else. */
  skip(records: number): this {
    this.#sequence += records
    return this
  }

  /** RFC 8446 §7.2: from here on it is encrypted by the next keys. */
  update(): void {
    this.#secret = expand(this.#secret, 'traffic upd', 32)
    this.#key = expand(this.#secret, 'key', 16)
    this.#iv = expand(this.#secret, 'iv', 12)
    this.#sequence = 0
  }

  seal({ type, body }: TlsRecord): TlsRecord {
    const isOlder = this.#version === 'TLSv1.2'
    const plain = isOlder ? body : Buffer.concat([body, Buffer.from([type])])
    const nonce = this.#nonce()
    const cipher = createCipheriv('aes-128-gcm', this.#key, nonce)
    cipher.setAAD(this.#authenticated(isOlder ? type : APPLICATION_DATA, plain.length))
    this.#sequence += 1
    const sealed = [cipher.update(plain), cipher.final(), cipher.getAuthTag()]
    if (isOlder) return { type, body: Buffer.concat([nonce.subarray(4), ...sealed]) }
    return { type: APPLICATION_DATA, body: Buffer.concat(sealed) }
  }

  open({ type, body }: TlsRecord): TlsRecord {
    const isOlder = this.#version === 'TLSv1.2'
    const nonce = isOlder ? Buffer.concat([this.#iv, body.subarray(0, 8)]) : this.#nonce()
    const sealed = isOlder ? body.subarray(8) : body
    const decipher = createDecipheriv('aes-128-gcm', this.#key, nonce)
    decipher.setAAD(this.#authenticated(type, sealed.length - 16))
    decipher.setAuthTag(sealed.subarray(-16))
    this.#sequence += 1
    const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
    return isOlder ? { type, body: plain } : { type: plain.at(-1)!, body: plain.subarray(0, -1) }
  }

  /** TLS 1.3: the number of the record, within the vector; 1.2: behind it, and what is sent along (RFC 5288 §3). */
  #nonce(): Buffer {
    const number = Buffer.alloc(8)
    number.writeUInt32BE(this.#sequence, 4)
    if (this.#version === 'TLSv1.2') return Buffer.concat([this.#iv, number])
    const nonce = Buffer.from(this.#iv)
    for (let i = 0; i < 8; i++) nonce[4 + i]! ^= number[i]!
    return nonce
  }

  #authenticated(type: number, length: number): Buffer {
    if (this.#version === 'TLSv1.3') {
      const sealed = length + 16
      return Buffer.from([type, 3, 3, sealed >> 8, sealed & 0xff])
    }
    const bytes = Buffer.alloc(13)
    bytes.writeUInt32BE(this.#sequence, 4)
    bytes.set([type, 3, 3, length >> 8, length & 0xff], 8)
    return bytes
  }
}

/** HKDF-Expand-Label, RFC 8446 §7.1, of no context, and no more than one block. */
function expand(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])])
  return createHmac('sha256', secret).update(info).digest().subarray(0, length)
}

/** RFC 5246 §5 */
function prf(secret: Buffer, label: string, seed: Buffer, length: number): Buffer {
  const all = Buffer.concat([Buffer.from(label), seed])
  const blocks: Buffer[] = []
  let a = all
  while (32 * blocks.length < length) {
    a = createHmac('sha256', secret).update(a).digest()
    blocks.push(createHmac('sha256', secret).update(a).update(all).digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}

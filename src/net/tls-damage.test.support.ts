/** What may happen to bytes and records on their way, by chance. */
import type { Random } from '../../test/support/random.ts'
import { bytesOf, recordsIn, type TlsRecord } from './tls-records.test.support.ts'

export function bytesAtRandom(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)))
}

/** Bytes changed, left out, doubled, put in; or cut off. Of those from `from` on, up to `to`. */
export function damaged(whole: Buffer, random: Random, from = 0, to = whole.length): Buffer {
  const [head, tail] = [whole.subarray(0, from), whole.subarray(to)]
  let bytes = Buffer.from(whole.subarray(from, to))
  for (let times = 1 + random(4); times > 0 && bytes.length > 0; times--) {
    const at = random(bytes.length)
    const length = random(16)
    const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)]
    switch (random(6)) {
      case 0:
        bytes[at] = random(256)
        break
      case 1:
        bytes[at]! ^= 1 << random(8)
        break
      case 2:
        bytes = Buffer.concat([before, behind.subarray(length)])
        break
      case 3:
        bytes = Buffer.concat([before, bytes.subarray(at, at + length), behind])
        break
      case 4:
        bytes = Buffer.concat([before, bytesAtRandom(length, random), behind])
        break
      case 5:
        bytes = bytes.subarray(0, at + 1)
        break
    }
  }
  return Buffer.concat([head, bytes, tail])
}

/** A record of any kind, with anything in it. */
export function recordAtRandom(random: Random): TlsRecord {
  return { type: 20 + random(5), body: bytesAtRandom(random(64), random) }
}

/** Records damaged, left out, doubled, in another order, of another type, split, joined, put in; or the last of them cut off. */
export function damagedRecords(whole: readonly TlsRecord[], random: Random): TlsRecord[] {
  const records = [...whole]
  for (let times = 1 + random(3); times > 0 && records.length > 0; times--) {
    const at = random(records.length)
    const { type, body } = records[at]!
    const next = records[at + 1]
    const cut = random(body.length + 1)
    switch (random(9)) {
      case 0:
        records[at] = { type, body: damaged(body, random) }
        break
      case 1:
        records.splice(at, 1)
        break
      case 2:
        records.splice(at, 0, records[at]!)
        break
      case 3:
        records.splice(random(records.length), 0, ...records.splice(at, 1))
        break
      case 4:
        records[at] = { type: 20 + random(5), body }
        break
      case 5:
        records.splice(at, 1, { type, body: body.subarray(0, cut) }, { type, body: body.subarray(cut) })
        break
      case 6:
        if (next !== undefined) records.splice(at, 2, { type, body: Buffer.concat([body, next.body]) })
        break
      case 7:
        records.splice(at, 0, recordAtRandom(random))
        break
      case 8:
        records.length = at + 1
        records[at] = { type, body: body.subarray(0, cut) }
        break
    }
  }
  return records
}

/** Of what is sent: its bytes, its records, or what these say of their lengths. */
export function damagedOnTheWire(whole: Buffer, random: Random): Buffer {
  if (random(3) === 0) return damaged(whole, random)
  const records = damagedRecords(recordsIn(whole), random)
  const wrong = random(4) === 0 ? random(records.length) : -1
  return Buffer.concat(records.map((it, i) => bytesOf(it, i === wrong ? random(2 ** 16) : undefined)))
}

/** A few bytes of those between, and no length: so what is damaged is read on. */
export function changed(whole: Buffer, random: Random, from: number, to: number): Buffer {
  const bytes = Buffer.from(whole)
  while (bytes.equals(whole)) {
    for (let times = 1 + random(3); times > 0; times--) bytes[from + random(to - from)]! ^= 1 + random(255)
  }
  return bytes
}

/** Where an extension lies within a ClientHello that is alone in its record; null: it has none (RFC 8446 §4.1.2). */
export function extensionIn(hello: Buffer, type: number): { readonly from: number; readonly to: number } | null {
  for (let at = extensionsAt(hello) + 2; at < hello.length; ) {
    const [from, to] = [at + 4, at + 4 + hello.readUInt16BE(at + 2)]
    if (hello.readUInt16BE(at) === type) return { from, to }
    at = to
  }
  return null
}

function extensionsAt(hello: Buffer): number {
  let at = 5 + 4 + 2 + 32
  at += 1 + hello[at]! // session id
  at += 2 + hello.readUInt16BE(at) // ciphers
  return at + 1 + hello[at]! // compression
}

/** What lies there is another, and every length around it is right. */
export function withExtension(
  hello: Buffer,
  { from, to }: { readonly from: number; readonly to: number },
  data: Buffer,
): Buffer {
  const bytes = Buffer.concat([hello.subarray(0, from), data, hello.subarray(to)])
  const more = bytes.length - hello.length
  bytes.writeUInt16BE(data.length, from - 2)
  const first = extensionsAt(hello)
  bytes.writeUInt16BE(hello.readUInt16BE(first) + more, first)
  bytes.writeUInt16BE(bytes.length - 5, 3) // of the record
  bytes.writeUIntBE(bytes.length - 9, 6, 3) // of the message
  return bytes
}

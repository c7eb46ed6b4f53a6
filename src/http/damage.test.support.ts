/**
 * Damages requests: from the files under test/requests/ it makes others that nobody has thought of, most of them broken in
 * one to three places, all of them following from a seed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../../test/support/random.ts'

const FOLDER = join(process.cwd(), 'test/requests')

/** Longer files are about a limit, and most of their bytes are padding. */
const ORIGINAL_BYTES_MAX = 1_000

/** The names of the files of `accepted` or `refused`, without their ends. */
export function namesIn(folder: string): string[] {
  return readdirSync(join(FOLDER, folder))
    .map((name) => name.replace(/\.http$/, ''))
    .sort()
}

export function requestFile(folder: string, name: string): Buffer {
  return readFileSync(join(FOLDER, folder, `${name}.http`))
}

/** What damage is done to. */
export function originals(): Buffer[] {
  return ['accepted', 'refused']
    .flatMap((folder) => namesIn(folder).map((name) => requestFile(folder, name)))
    .filter((bytes) => bytes.length > 0 && bytes.length < ORIGINAL_BYTES_MAX)
}

/** One of `from`, damaged one to three times. */
export function damaged(from: readonly Buffer[], random: Random): Buffer {
  let bytes = from[random(from.length)]!
  for (let left = 1 + random(3); left > 0; left--) bytes = damageOnce(bytes, from, random)
  return bytes
}

/** A byte changed, taken out, put in or doubled; a word put in; or the tail of another request put behind this one's front. */
export function damageOnce(bytes: Buffer, others: readonly Buffer[], random: Random): Buffer {
  const at = random(bytes.length + 1)
  const front = bytes.subarray(0, at)
  switch (random(6)) {
    case 0:
      return Buffer.concat([front, tellingByte(random), bytes.subarray(at + 1)])
    case 1:
      return Buffer.concat([front, bytes.subarray(at + 1)])
    case 2:
      return Buffer.concat([front, tellingByte(random), bytes.subarray(at)])
    case 3:
      return Buffer.concat([front, bytes.subarray(Math.max(0, at - 1))])
    case 4:
      return Buffer.concat([front, WORDS[random(WORDS.length)]!, bytes.subarray(at)])
    default: {
      const other = others[random(others.length)]!
      return Buffer.concat([front, other.subarray(random(other.length))])
    }
  }
}

/** The bytes the grammar turns on, and a few that belong nowhere. */
const TELLING = Buffer.from('\0\x01\t\n\x0b\r !"#%*+,-./0159:;=?@A[\\]_afz\x7f\x80\xff', 'latin1')

/** One of them, as a piece of a buffer. */
export function tellingByte(random: Random): Buffer {
  const at = random(TELLING.length)
  return TELLING.subarray(at, at + 1)
}

/** What framing hangs on, to be put where it does not belong. */
const WORDS = [
  '\r\n',
  '\r\n\r\n',
  '\r\n ',
  'Content-Length: 5\r\n',
  'content-length:\t0 \r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding:gzip, chunked\r\n',
  'chunked',
  ', ',
  ' HTTP/1.0\r\n',
  ' HTTP/1.1\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive, Upgrade\r\n',
  'Upgrade: x\r\n',
  'Expect: 100-continue\r\n',
  'Host: b\r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  ';a="b"',
  'GET /evil HTTP/1.1\r\nHost: a\r\n\r\n',
  'http://a',
].map((word) => Buffer.from(word, 'latin1'))

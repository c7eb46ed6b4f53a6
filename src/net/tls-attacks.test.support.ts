/** What a client that has come through its handshake may send, and should not: encrypted as it should be, or not at all. */
import type { Random } from '../../test/support/random.ts'
import { bytesAtRandom, changed } from './tls-damage.test.support.ts'
import {
  ALERT,
  APPLICATION_DATA,
  bytesOf,
  CHANGE_CIPHER_SPEC,
  type ClientKeys,
  HANDSHAKE,
  type Version,
} from './tls-records.test.support.ts'

export interface Attack {
  readonly bytes: Buffer
  /** What of it is application data that was sealed as it should be. */
  readonly text: string
}

/** RFC 8446 §B.3, and what is none of these. */
const MESSAGES = [0, 1, 2, 4, 5, 8, 11, 12, 13, 14, 15, 16, 20, 24, 99, 254]
const KEY_UPDATE = 24
const RECORD_BYTES = 16 * 1024

/** One to four pieces, one behind the other. */
export function attack(version: Version, keys: ClientKeys, random: Random): Attack {
  const pieces: Buffer[] = []
  let text = ''
  const seal = (type: number, body: Buffer) => {
    pieces.push(bytesOf(keys.seal({ type, body })))
    if (type === APPLICATION_DATA && body.length <= RECORD_BYTES) text += body.toString('latin1')
  }
  const plain = (type: number, body: Buffer, length?: number) => pieces.push(bytesOf({ type, body }, length))
  const one = (of: readonly number[]) => Buffer.from([of[random(of.length)]!])
  const times = (most: number, act: () => void) => {
    for (let left = 1 + random(most); left > 0; left--) act()
  }
  const alert = () => Buffer.concat([one([0, 1, 1, 2, 3, 255]), Buffer.from([random(121)])].slice(0, 1 + random(8)))
  const kinds: (() => void)[] = [
    () => seal(APPLICATION_DATA, Buffer.from('well')),
    () => {
      const sealed = bytesOf(keys.seal({ type: APPLICATION_DATA, body: Buffer.from('never') }))
      pieces.push(changed(sealed, random, 5, sealed.length))
    },
    () => plain(APPLICATION_DATA, bytesAtRandom(random(300), random), RECORD_BYTES + random(2 ** 16 - RECORD_BYTES)),
    () => seal(APPLICATION_DATA, Buffer.alloc(RECORD_BYTES + 1 + random(3_000))),
    () => times(100, () => seal(APPLICATION_DATA, Buffer.alloc(0))),
    () => seal(0, Buffer.alloc(random(40))), // TLS 1.3: nothing but what fills it up
    () => times(20, () => seal(ALERT, alert())),
    () => times(20, () => plain(ALERT, alert())),
    () => times(4, () => seal(HANDSHAKE, message(one(MESSAGES), bytesAtRandom(random(60), random), random))),
    () => times(4, () => plain(HANDSHAKE, message(one(MESSAGES), bytesAtRandom(random(60), random), random))),
    () =>
      times(60, () =>
        seal(
          HANDSHAKE,
          message(Buffer.from([0]), Buffer.alloc(0), () => 1),
        ),
      ),
    () => times(60, () => updateKeys(version, keys, seal, random)),
    () => times(60, () => plain(CHANGE_CIPHER_SPEC, Buffer.from([1]))),
    () => seal(CHANGE_CIPHER_SPEC, Buffer.from([1])),
    () => seal(1 + random(255), bytesAtRandom(random(60), random)),
    () => seal(ALERT, Buffer.from([1, 0])), // close_notify
    () => pieces.push(bytesAtRandom(random(200), random)),
  ]
  times(4, () => kinds[random(kinds.length)]!())
  return { bytes: Buffer.concat(pieces), text }
}

/** With the length that it has, or more rarely with another. */
function message(type: Buffer, body: Buffer, random: Random): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(random(4) === 0 ? random(2 ** 24) : body.length)
  return Buffer.concat([type, length.subarray(1), body])
}

/** Its own; ours, too; or in a way that there is not. */
function updateKeys(
  version: Version,
  keys: ClientKeys,
  seal: (type: number, body: Buffer) => void,
  random: Random,
): void {
  seal(HANDSHAKE, Buffer.from([KEY_UPDATE, 0, 0, 1, random(50) === 0 ? 2 : random(2)]))
  if (version === 'TLSv1.3') keys.update()
}

/**
 * The WebSocket protocol, case by case, against the example's echo: the groups,
 * numbers and expectations of the Autobahn test suite, which is how servers are
 * compared. That suite runs on Python 2 alone and is in no package registry, so
 * its cases are told here again, as bytes.
 *
 *     1 framing · 2 pings · 3 reserved bits · 4 opcodes · 5 fragments · 6 UTF-8
 *     7 closing · 9 limits · 10 many fragments
 *
 * Left out: 6.4's variants that fail before a message is whole (ws looks when it
 * is, which the suite calls non-strict), and 12 and 13, compression, which the
 * echo does not offer (but see websocket.test.ts).
 *
 * Every case plays whole and byte by byte, and ends with the client's Close 1000
 * where the server has not closed before.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  closeFrame,
  fragmented,
  frame,
  nextFrame,
  openRaw,
  PING,
  PONG,
  shown,
  storyOf,
  TEXT,
} from '../support/frames.ts'
import { type Server, startServer } from '../support/server.ts'
import { ECHO_APP } from '../support/websocket.ts'

const MIB = 1024 * 1024
/** Longer cases are played whole only. */
const PIECEMEAL_BYTES_MAX = 2_000

interface Case {
  readonly sends: readonly Buffer[]
  /** The server's frames, up to its Close. */
  readonly hears: string
}

const ENDS = ' | close 1000'
const hello = frame(TEXT, 'Hello')
const HELLO = 'text "Hello"'
const more = { fin: false }

/** Told back whole, then closed as the client closes. */
const echoed = (opcode: number, payload: string): string =>
  `${opcode === TEXT ? 'text' : 'binary'}${payload === '' ? '' : ` ${shown(payload)}`}${ENDS}`

const utf8 = (...bytes: number[]) => frame(TEXT, Uint8Array.from(bytes))
const fails = (code: number, ...sends: Buffer[]): Case => ({ sends, hears: `close ${code}` })
const succeeds = (hears: string, ...sends: Buffer[]): Case => ({ sends, hears: hears + ENDS })

function framing(): Record<string, Case> {
  const cases: Record<string, Case> = {}
  for (const [group, opcode] of [
    [1, TEXT],
    [2, BINARY],
  ] as const) {
    for (const [i, length] of [0, 125, 126, 127, 128, 65_535, 65_536].entries()) {
      const payload = '*'.repeat(length)
      cases[`1.${group}.${i + 1} ${length} bytes`] = { sends: [frame(opcode, payload)], hears: echoed(opcode, payload) }
    }
  }
  return cases
}

const PINGS: Readonly<Record<string, Case>> = {
  '2.1 a ping of nothing': succeeds('pong', frame(PING)),
  '2.2 a ping of text': succeeds('pong "Hello, world!"', frame(PING, 'Hello, world!')),
  '2.3 a ping of bytes': succeeds(
    `pong ${JSON.stringify('\0ÿþýüû\0ÿ')}`,
    frame(PING, Buffer.from('00fffefdfcfb00ff', 'hex')),
  ),
  '2.4 a ping of 125 bytes': succeeds('pong of 125', frame(PING, 'p'.repeat(125))),
  '2.5 a ping of 126 bytes is none': fails(1002, frame(PING, 'p'.repeat(126))),
  '2.7 a pong of nothing, unasked': succeeds(HELLO, frame(PONG), hello),
  '2.8 a pong of text, unasked': succeeds(HELLO, frame(PONG, 'unasked'), hello),
  '2.9 a pong unasked, then a ping': succeeds('pong "asked"', frame(PONG, 'unasked'), frame(PING, 'asked')),
  '2.10 ten pings': succeeds(
    Array.from({ length: 10 }, (_, i) => `pong "${i}"`).join(' | '),
    ...Array.from({ length: 10 }, (_, i) => frame(PING, String(i))),
  ),
}

function reserved(): Record<string, Case> {
  const cases: Record<string, Case> = {
    '3.1 RSV 1': fails(1002, frame(TEXT, 'Hello', { rsv: 1 })),
    '3.5 RSV 5, bytes': fails(1002, frame(BINARY, 'Hello', { rsv: 5 })),
    '3.6 RSV 6, a ping': fails(1002, frame(PING, 'Hello', { rsv: 6 })),
    '3.7 RSV 7, a close': fails(1002, frame(CLOSE, '', { rsv: 7 })),
    'masking: a frame that is not masked (RFC 6455 §5.1)': fails(1002, frame(TEXT, 'Hello', { masked: false })),
  }
  for (const rsv of [2, 3, 4]) {
    cases[`3.${rsv} good text, then RSV ${rsv}, then a ping`] = {
      sends: [hello, frame(TEXT, 'Hello', { rsv }), frame(PING)],
      hears: `${HELLO} | close 1002`,
    }
  }
  for (const [group, first] of [
    [1, 3],
    [2, 11],
  ] as const) {
    for (let i = 0; i < 5; i++) {
      cases[`4.${group}.${i + 1} opcode ${first + i}`] = fails(1002, frame(first + i, i % 2 === 0 ? '' : 'reserved'))
      cases[`4.${group}.${i + 1} good text, then opcode ${first + i}, then a ping`] = {
        sends: [hello, frame(first + i, 'reserved'), frame(PING)],
        hears: `${HELLO} | close 1002`,
      }
    }
  }
  return cases
}

const one = frame(TEXT, 'fragment1', more)
const two = frame(CONTINUATION, 'fragment2')
const BOTH = 'text "fragment1fragment2"'
const FRAGMENTS: Readonly<Record<string, Case>> = {
  '5.1 a ping in fragments': fails(1002, frame(PING, 'one', more), frame(CONTINUATION, 'two')),
  '5.2 a pong in fragments': fails(1002, frame(PONG, 'one', more), frame(CONTINUATION, 'two')),
  '5.3 text in two': succeeds(BOTH, one, two),
  '5.6 a ping between them': succeeds(`pong "ping" | ${BOTH}`, one, frame(PING, 'ping'), two),
  '5.9 a continuation of nothing, last, then text': fails(1002, frame(CONTINUATION, 'of nothing'), hello),
  '5.12 a continuation of nothing, not last, then text': fails(1002, frame(CONTINUATION, 'of nothing', more), hello),
  '5.15 text in two, a continuation of nothing, text': {
    sends: [one, two, frame(CONTINUATION, 'of nothing', more), hello],
    hears: `${BOTH} | close 1002`,
  },
  '5.16 a continuation of nothing, not last, then text in two, twice': fails(
    1002,
    ...[0, 1].flatMap(() => [frame(CONTINUATION, '1', more), frame(TEXT, '2', more), frame(CONTINUATION, '3')]),
  ),
  '5.17 a continuation of nothing, last, then text in two, twice': fails(
    1002,
    ...[0, 1].flatMap(() => [frame(CONTINUATION, '1'), frame(TEXT, '2', more), frame(CONTINUATION, '3')]),
  ),
  '5.18 two first fragments': fails(1002, one, frame(TEXT, 'fragment2')),
  '5.19 five fragments, pings between': succeeds(
    'pong "first" | pong "second" | text "12345"',
    frame(TEXT, '1', more),
    frame(CONTINUATION, '2', more),
    frame(PING, 'first'),
    frame(CONTINUATION, '3', more),
    frame(CONTINUATION, '4', more),
    frame(PING, 'second'),
    frame(CONTINUATION, '5'),
  ),
}

const GREETING = 'Hello-µ@ßöäüàá-UTF-8!!'
const KOSME = 'κόσμε'

function unicode(): Record<string, Case> {
  const cases: Record<string, Case> = {
    '6.1.1 text of nothing': succeeds('text', frame(TEXT)),
    '6.1.2 three fragments of nothing': succeeds(
      'text',
      frame(TEXT, '', more),
      frame(CONTINUATION, '', more),
      frame(CONTINUATION),
    ),
    '6.1.3 the middle of three holds all': succeeds(
      'text "middle"',
      frame(TEXT, '', more),
      frame(CONTINUATION, 'middle', more),
      frame(CONTINUATION),
    ),
    '6.2.1 text beyond ASCII': succeeds(`text "${GREETING}"`, frame(TEXT, GREETING)),
    '6.2.3 one byte a fragment': succeeds(`text "${GREETING}"`, fragmented(TEXT, Buffer.from(GREETING), 1)),
    '6.2.4 a word cut within its letters': succeeds(`text "${KOSME}"`, fragmented(TEXT, Buffer.from(KOSME), 1)),
    '6.3.2 bytes that are none, one a fragment': fails(
      1007,
      fragmented(TEXT, Buffer.concat([Buffer.from(KOSME), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('edited')]), 1),
    ),
  }
  const valid: Record<string, string> = {
    '6.5 the first of one byte': '\u0000',
    '6.6 letters of two bytes': KOSME,
    '6.7 the first of two, three and four bytes': '\u0080\u0800\u{10000}',
    '6.9 the last of one, two, three and four bytes': '\u007f\u07ff\uffff\u{10ffff}',
    '6.11 around the surrogates': '\ud7ff\ue000\ufffd',
    '6.22 noncharacters': '\ufffe\uffff\u{1fffe}\u{2ffff}\u{10fffe}',
    '6.23 the replacement character and its neighbours': '\ufff9\ufffc\ufffd\ufeff',
  }
  for (const [name, text] of Object.entries(valid))
    cases[name] = succeeds(`text ${JSON.stringify(text)}`, frame(TEXT, text))
  const invalid: Record<string, number[]> = {
    '6.3.1 a surrogate amid text': [0x48, 0xed, 0xa0, 0x80, 0x65],
    '6.4.1 beyond U+10FFFF': [0xce, 0xba, 0xf4, 0x90, 0x80, 0x80, 0x65],
    '6.8 a first of five bytes': [0xf8, 0x88, 0x80, 0x80, 0x80],
    '6.8 a first of six bytes': [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
    '6.10 the last of five bytes': [0xfb, 0xbf, 0xbf, 0xbf, 0xbf],
    '6.12 a continuation byte alone': [0x80],
    '6.12 the last continuation byte alone': [0xbf],
    '6.12 seven continuation bytes': [0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf, 0x80],
    '6.13 a start of two, then a space': [0xc0, 0x20],
    '6.13 a start of three, then a space': [0xe0, 0x20],
    '6.13 a start of four, then a space': [0xf0, 0x20],
    '6.14 two of three bytes': [0xe0, 0x80],
    '6.14 three of four bytes': [0xf0, 0x90, 0x80],
    '6.14 one of two bytes': [0xdf],
    '6.15 cut letters one behind the other': [0xc0, 0xe0, 0x80, 0xf0, 0x80, 0x80],
    '6.16 FE': [0xfe],
    '6.16 FF': [0xff],
    '6.17 a slash in two bytes': [0xc0, 0xaf],
    '6.17 a slash in three bytes': [0xe0, 0x80, 0xaf],
    '6.17 a slash in four bytes': [0xf0, 0x80, 0x80, 0xaf],
    '6.18 the largest overlong of two': [0xc1, 0xbf],
    '6.18 the largest overlong of three': [0xe0, 0x9f, 0xbf],
    '6.18 the largest overlong of four': [0xf0, 0x8f, 0xbf, 0xbf],
    '6.19 NUL in two bytes': [0xc0, 0x80],
    '6.20 the first surrogate': [0xed, 0xa0, 0x80],
    '6.20 the last surrogate': [0xed, 0xbf, 0xbf],
    '6.21 a pair of surrogates': [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80],
  }
  for (const [name, bytes] of Object.entries(invalid)) cases[name] = fails(1007, utf8(...bytes))
  return cases
}

function closing(): Record<string, Case> {
  const cases: Record<string, Case> = {
    '7.1.1 a message, then a close': succeeds(HELLO, hello),
    '7.1.2 two closes': { sends: [closeFrame(1000), closeFrame(1000)], hears: 'close 1000' },
    '7.1.3 a ping behind the close': { sends: [closeFrame(1000), frame(PING)], hears: 'close 1000' },
    '7.1.4 text behind the close': { sends: [closeFrame(1000), hello], hears: 'close 1000' },
    '7.1.5 a close amid a message': { sends: [one, closeFrame(1000), two], hears: 'close 1000' },
    '7.1.6 256 KiB, then a close, then a ping': {
      sends: [frame(TEXT, 'B'.repeat(256 * 1024)), closeFrame(1000), frame(PING)],
      hears: `text of ${256 * 1024}${ENDS}`,
    },
    '7.3.1 a close of nothing': { sends: [frame(CLOSE)], hears: 'close' },
    '7.3.2 a close of one byte': fails(1002, frame(CLOSE, 'a')),
    '7.3.3 a code alone': { sends: [closeFrame(1000)], hears: 'close 1000' },
    '7.3.4 a code and a reason': { sends: [closeFrame(1000, 'Hello World!')], hears: 'close 1000 "Hello World!"' },
    '7.3.5 a reason of 123 bytes': { sends: [closeFrame(1000, '*'.repeat(123))], hears: 'close 1000 of 123' },
    '7.3.6 a reason of 124 bytes': fails(1002, closeFrame(1000, '*'.repeat(124))),
    '7.5.1 a reason that is no UTF-8': fails(1007, closeFrame(1000, Buffer.from([0xce, 0xed, 0xa0, 0x80]))),
  }
  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
    cases[`7.7 code ${code}`] = { sends: [closeFrame(code)], hears: `close ${code}` }
  }
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]) {
    cases[`7.9 code ${code}, which is none`] = fails(1002, closeFrame(code))
  }
  return cases
}

function limits(): Record<string, Case> {
  const cases: Record<string, Case> = {}
  for (const [group, opcode] of [
    [1, TEXT],
    [2, BINARY],
  ] as const) {
    for (const [i, length] of [64 * 1024, 256 * 1024, MIB, 4 * MIB, 8 * MIB, 16 * MIB].entries()) {
      const payload = '*'.repeat(length)
      cases[`9.${group}.${i + 1} ${length} bytes`] = { sends: [frame(opcode, payload)], hears: echoed(opcode, payload) }
    }
    for (const pieceBytes of [256, 1024, 16 * 1024, 256 * 1024, 4 * MIB]) {
      const payload = Buffer.alloc(4 * MIB, '*')
      cases[`9.${group + 2} 4 MiB in fragments of ${pieceBytes}`] = {
        sends: [fragmented(opcode, payload, pieceBytes)],
        hears: echoed(opcode, payload.toString()),
      }
    }
  }
  const tooMany = fragmented(TEXT, Buffer.alloc(4 * MIB, '*'), 64)
  cases['9.3.1 4 MiB in fragments of 64: more of them than ws takes (maxFragments)'] = fails(1008, tooMany)
  cases['10.1.1 64 KiB in fragments of 1,300'] = {
    sends: [fragmented(TEXT, Buffer.alloc(65_536, '*'), 1_300)],
    hears: echoed(TEXT, '*'.repeat(65_536)),
  }
  return cases
}

const GROUPS: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  framing: framing(),
  pings: PINGS,
  'reserved bits and opcodes': reserved(),
  fragments: FRAGMENTS,
  'UTF-8': unicode(),
  closing: closing(),
  'limits and many fragments': limits(),
}

test('the cases of the Autobahn test suite', async (t) => {
  const server = await startServer(t, { args: [ECHO_APP, '--workers', '1'] })
  for (const [group, cases] of Object.entries(GROUPS)) {
    for (const [name, { sends, hears }] of Object.entries(cases)) {
      await t.test(`${group}: ${name}`, async (inner) => {
        const bytes = Buffer.concat([...sends, closeFrame(1000)])
        assert.equal(await play(inner, server, [bytes]), hears)
        if (bytes.length > PIECEMEAL_BYTES_MAX) return
        const singles = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
        assert.equal(await play(inner, server, singles), hears, 'byte by byte')
      })
    }
  }
  for (const chopBytes of [64, 512, 2048]) {
    await t.test(`9.5 and 9.6: 1 MiB in chops of ${chopBytes}`, async (inner) => {
      for (const opcode of [TEXT, BINARY]) {
        const payload = '*'.repeat(MIB)
        const bytes = Buffer.concat([frame(opcode, payload), closeFrame(1000)])
        assert.equal(await play(inner, server, choppedBy(bytes, chopBytes)), echoed(opcode, payload))
      }
    })
  }
  for (const length of [0, 16, 64, 256, 1024, 4096]) {
    await t.test(`9.7 and 9.8: a thousand messages of ${length} bytes, each after the other's echo`, async (inner) => {
      for (const opcode of [TEXT, BINARY]) {
        const client = await openRaw(inner, server.port)
        const message = frame(opcode, '*'.repeat(length))
        const hears = echoed(opcode, '*'.repeat(length)).slice(0, -ENDS.length)
        for (let i = 0; i < 1_000; i++) {
          client.send(message)
          assert.equal(await nextFrame(client), hears)
        }
        client.finish()
      }
    })
  }
})

/** The server's frames; then it must end, and cleanly. */
async function play(t: TestContext, server: Server, pieces: readonly Buffer[]): Promise<string> {
  const client = await openRaw(t, server.port)
  const story = storyOf(client)
  await client.sendPieces(pieces)
  const told = await story
  client.finish()
  await client.endsClean()
  return told
}

function choppedBy(bytes: Buffer, length: number): Buffer[] {
  const count = Math.ceil(bytes.length / length)
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * length, (i + 1) * length))
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../test/support/random.ts'
import type { AccessLogFormat } from '../config/options.ts'
import { salvage } from '../http/salvage.ts'
import { PIPE_BUF } from '../kernel/constants.ts'
import { entryOf, type HeadParts } from './access-entry.test.support.ts'
import { type AccessEntry, isTimed, LINE_FORMATS, TEXT_CHARS_MAX, tellsTls } from './access-format.ts'

const NOON = Date.UTC(2026, 9, 10, 13, 55, 36, 78)
const FORMATS = Object.keys(LINE_FORMATS) as AccessLogFormat[]
const WRITER = { slot: 3, pid: 4321 }

function lineOf(
  format: AccessLogFormat,
  parts: HeadParts & Partial<AccessEntry> = {},
  { at = NOON, max = Number.POSITIVE_INFINITY } = {},
): string {
  return LINE_FORMATS[format](entryOf(parts), at, WRITER, max)
}

const refused = (bytes: string): Partial<AccessEntry> => ({
  head: null,
  salvage: salvage(Buffer.from(bytes, 'latin1')),
})

test('the combined format of Apache and nginx', () => {
  assert.equal(
    lineOf('combined'),
    '127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 2326 "-" "curl/8.5.0"\n',
  )
  assert.equal(
    lineOf('combined', { remoteAddress: '::1', minorVersion: 0, referer: 'http://a/', userAgent: null, bodyBytes: 0 }),
    '::1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.0" 200 0 "http://a/" "-"\n',
  )
})

test('the common format is that without its end', () => {
  assert.equal(lineOf('common'), '127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 2326\n')
})

test('a line of JSON, with all of its members, in their order', () => {
  assert.equal(
    lineOf('json', { referer: 'http://a/' }),
    '{"time":"2026-10-10T13:55:36.078Z","remoteAddress":"127.0.0.1","remotePort":1234,"user":null,"method":"GET","target":"/",' +
      '"protocol":"HTTP/1.1","host":"test","referer":"http://a/","userAgent":"curl/8.5.0","received":null,' +
      '"status":200,"bodyBytes":2326,"requestBytes":80,"firstByteMicroseconds":123,"totalMicroseconds":4567,' +
      '"acceptQueueMilliseconds":0,"connectionRequests":1,"tls":null,"worker":3,"pid":4321,"end":"complete","refusal":null}\n',
  )
})

test('JSON tells the version of TLS', () => {
  assert.match(lineOf('json', { tls: 'TLSv1.3' }), /,"connectionRequests":1,"tls":"TLSv1\.3","worker":3,/)
  for (const format of ['combined', 'common'] as const) {
    assert.equal(lineOf(format, { tls: 'TLSv1.3' }), lineOf(format))
  }
  assert.deepEqual(FORMATS.filter(tellsTls), ['json'])
})

test('what there is not is null in JSON, and a hyphen or zeros elsewhere', () => {
  const parts: HeadParts & Partial<AccessEntry> = {
    host: '',
    userAgent: null,
    remoteAddress: 'unix:',
    remotePort: 0,
    status: 0,
    firstByteMicroseconds: null,
    acceptQueueMilliseconds: null,
    end: 'cut',
  }
  const { host, referer, userAgent, remotePort, status, ...rest } = JSON.parse(lineOf('json', parts))
  assert.deepEqual([host, referer, userAgent, remotePort, status], [null, null, null, null, 0])
  assert.deepEqual(
    [rest.firstByteMicroseconds, rest.acceptQueueMilliseconds, rest.end, rest.remoteAddress],
    [null, null, 'cut', 'unix:'],
  )
  assert.match(lineOf('combined', parts), /^unix: - - \[.*\] "GET \/ HTTP\/1\.1" 000 2326 "-" "-"\n$/)
})

const SECONDS: readonly [at: number, common: string, iso: string][] = [
  [Date.UTC(2026, 0, 1), '01/Jan/2026:00:00:00 +0000', '2026-01-01T00:00:00.000Z'],
  [Date.UTC(2026, 11, 31, 23, 59, 59, 999), '31/Dec/2026:23:59:59 +0000', '2026-12-31T23:59:59.999Z'],
  [Date.UTC(2026, 11, 31, 23, 59, 59, 7), '31/Dec/2026:23:59:59 +0000', '2026-12-31T23:59:59.007Z'],
  [Date.UTC(2027, 0, 1), '01/Jan/2027:00:00:00 +0000', '2027-01-01T00:00:00.000Z'],
]

test('the time, in UTC, whatever was rendered before', () => {
  for (const [at, common, iso] of [...SECONDS, ...[...SECONDS].reverse()]) {
    assert.ok(lineOf('common', {}, { at }).includes(`[${common}]`))
    assert.ok(lineOf('json', {}, { at }).startsWith(`{"time":"${iso}"`))
  }
})

test('of a refused request, the line as far as it came; its parts when it came whole', () => {
  const whole = refused('GET /nothing HTTP/3.0\r\nHost: a\r\nUser-Agent: scanner\r\n\r\n')
  assert.match(lineOf('combined', { ...whole, status: 505 }), /"GET \/nothing HTTP\/3\.0" 505 2326 "-" "scanner"\n$/)
  const told = JSON.parse(lineOf('json', { ...whole, refusal: 'UNKNOWN_VERSION' }))
  const { method, target, protocol, host, userAgent, received, refusal } = told
  assert.deepEqual(
    [method, target, protocol, host, userAgent, received, refusal],
    ['GET', '/nothing', 'HTTP/3.0', 'a', 'scanner', null, 'UNKNOWN_VERSION'],
  )
  const part = refused('\x16\x03\x01"\\')
  assert.match(lineOf('common', part), /"\\x16\\x03\\x01\\x22\\x5C" 200/)
  const { method: none, received: bytes } = JSON.parse(lineOf('json', part))
  assert.deepEqual([none, bytes], [null, '\x16\x03\x01"\\'])
  assert.match(lineOf('common', refused('\r\n')), /"-" 200/)
  assert.equal(JSON.parse(lineOf('json', refused(''))).received, '')
})

test('in JSON what is UTF-8 is read as such, and other bytes as the characters of the same number', () => {
  const bytesOf = (text: string) => Buffer.from(text).toString('latin1')
  for (const text of ['안녕 👋', 'grüße', '\u2028\u0085', '\ufeff']) {
    assert.equal(JSON.parse(lineOf('json', { userAgent: bytesOf(text) })).userAgent, text)
  }
  assert.equal(JSON.parse(lineOf('json', { userAgent: 'gr\xfc\xdfe' })).userAgent, 'grüße')
})

const basic = (pair: string) => `Basic ${Buffer.from(pair, 'latin1').toString('base64')}`

for (const [what, authorization, common, json] of [
  ['a name', basic('Aladdin:open sesame'), 'Aladdin', 'Aladdin'],
  ['one that would pass for more', basic('a b" [\r\n:x'), 'a\\x20b\\x22\\x20[\\x0D\\x0A', 'a b" [\r\n'],
  ['in UTF-8', basic('\xc3\xa9:x'), '\\xC3\\xA9', 'é'],
  ['no name', basic(':x'), '-', null],
  ['no colon', basic('x'), '-', null],
  ['another scheme', 'Bearer abc', '-', null],
  ['no base64', 'Basic a*b', '-', null],
] as const) {
  test(`who says to ask, with a password that is not logged: ${what}`, () => {
    assert.ok(lineOf('combined', { authorization }).startsWith(`127.0.0.1 - ${common} [10/Oct`))
    assert.equal(JSON.parse(lineOf('json', { authorization })).user, json)
  })
}

test('only JSON needs times', () => assert.deepEqual(FORMATS.filter(isTimed), ['json']))

/** Bytes as the characters of the same number: mostly any, sometimes UTF-8, often what is dangerous. */
function randomText(random: Random): string {
  const kinds = [
    () => String.fromCharCode(random(256)),
    () => '"\\\r\n\t\0\x7f\x85\xa0,}-'[random(12)]!,
    () => Buffer.from(String.fromCodePoint([0xe9, 0x2028, 0xac00, 0x1f44b][random(4)]!)).toString('latin1'),
    () => 'plain text',
  ]
  const isUtf8 = random(2) === 0
  return Array.from({ length: random(40) }, () => kinds[isUtf8 ? 2 + random(2) : random(4)]!()).join('')
}

/** What a reader of JSON should see, found out without our own means. */
function meantBy(bytes: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return bytes
  }
}

const unescaped = (text: string) =>
  text.replace(/\\x([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))

test('whatever a client sends, a line is one line of printable ASCII, and reads back as what was sent', (t) => {
  const random = seededRandom(t)
  for (let i = 0; i < 2_000; i++) {
    const [target, host, referer, userAgent] = Array.from({ length: 4 }, () => randomText(random)) as [
      string,
      string,
      string,
      string,
    ]
    const parts = { target, host: `h${host}`, referer, userAgent }
    for (const format of FORMATS) assert.match(lineOf(format, parts), /^[\x20-\x7e]+\n$/)
    const quoted = lineOf('combined', parts).split('"')
    assert.equal(quoted.length, 7)
    assert.deepEqual(
      [quoted[1], quoted[3], quoted[5]].map((text) => unescaped(text!)),
      [`GET ${target} HTTP/1.1`, referer, userAgent],
    )
    const told = JSON.parse(lineOf('json', parts))
    assert.deepEqual(
      [told.target, told.host, told.referer, told.userAgent],
      [target, `h${host}`, referer, userAgent].map(meantBy),
    )
    const received = refused(randomText(random))
    for (const format of FORMATS) assert.match(lineOf(format, received), /^[\x20-\x7e]+\n$/)
    assert.equal(JSON.parse(lineOf('json', received)).received, meantBy(received.salvage!.line))
  }
})

test('texts are cut between two escapes, and the longest line is taken whole by a pipe', (t) => {
  const random = seededRandom(t)
  for (let i = 0; i < 200; i++) {
    const text = randomText(random).repeat(200)
    const max = 20 + random(800)
    const authorization = basic(`${text.replaceAll(':', '')}:`)
    const parts = { target: text, host: text, referer: text, userAgent: text, authorization, method: 'M'.repeat(32) }
    const told = JSON.parse(lineOf('json', parts, { max }))
    if (text.length > max)
      assert.ok(meantBy(text).startsWith(told.userAgent.slice(0, -3).replace(/[\ud800-\udbff]$/, '')))
    for (const format of FORMATS) assert.match(lineOf(format, parts, { max }), /^[\x20-\x7e]+\n$/)
    assert.equal(lineOf('combined', parts, { max }).split('"').length, 7)
    for (const format of FORMATS) assert.ok(lineOf(format, parts, { max: TEXT_CHARS_MAX }).length <= PIPE_BUF)
  }
  const cut = lineOf('combined', { userAgent: `${'a'.repeat(97)}\xff${'b'.repeat(10)}` }, { max: 100 })
  assert.match(cut, / "a{97}\.\.\."\n$/)
})

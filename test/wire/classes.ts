/**
 * Every way in which our reading of the same bytes differs from llhttp's, by class: what it is, where it is written, and
 * how it is recognised.
 *
 * Where llhttp is the more lenient one there is little to fear: what we refuse, nobody acts on. Where it is stricter than
 * we are, or understands something else, the class says why ours is right, and its pattern is as narrow as the case.
 *
 * Two readers who see another method, target, version or body in the same bytes can be played off against each other:
 * request smuggling. Of such there is none.
 */
import { METHODS } from 'node:http'
import { REFUSALS, type RefusalName } from '../../src/http/refusals.ts'
import { HIDDEN, readWithLlhttp } from './llhttp.ts'
import { type Difference, type Reading, readWithOurs } from './reading.ts'

export interface DifferenceClass {
  readonly name: string
  readonly rule: string
  readonly stricter: 'ours' | 'llhttp' | 'neither'
  /** Later releases of llhttp read as we do. */
  readonly before?: string
  is(difference: Difference): boolean
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
/** What llhttp takes for empty lines before a request, and what may stand between its method and its target. */
const FRONT = `^[\\r\\n]*(?:${TOKEN}) `

/** We refuse this request, by this name, and its bytes look so. llhttp reads it, or goes on reading. */
function refusedHere(refusal: RefusalName, name: string, pattern: RegExp, rule: string = REFUSALS[refusal].rule) {
  const is = ({ index, ours, theirs, text }: Difference) => {
    const isHere = ours.end === 'refused' && ours.why === refusal && ours.requests.length === index
    return isHere && (theirs.requests.length > index || theirs.end !== 'refused') && pattern.test(text)
  }
  return { name, rule, stricter: 'ours', is } as const
}

/** llhttp refuses this request, saying so, and its bytes look so. We read it, or go on reading. */
function refusedThere(saying: RegExp, name: string, rule: string, is: (difference: Difference) => boolean) {
  return {
    name,
    rule,
    stricter: 'llhttp',
    is: (it: Difference) => {
      const { index, theirs } = it
      const isHere = theirs.end === 'refused' && theirs.requests.length === index
      return isHere && (saying.test(theirs.why) || theirs.why === HIDDEN) && is(it)
    },
  } as const
}

/** The trailer section of a chunked body holds such a field. */
function inTrailer(field: string): RegExp {
  return new RegExp(`\\r\\n0+(?:[ \\t]*;[^\\r\\n]*)?\\r\\n(?:[^\\r\\n]+\\r\\n)*${field}`, 'i')
}

const OURS_IS_STRICTER: readonly DifferenceClass[] = [
  // the request line
  refusedHere(
    'BARE_LINE_BREAK',
    'an empty line before a request that is a CR or an LF alone',
    /^[\r\n]*(?:\r(?!\n)|(?<!\r)\n)/,
  ),
  refusedHere('TOO_MANY_BLANK_LINES', 'empty lines before a request without end', /^(?:\r\n){4}\r/),
  refusedHere('BAD_TARGET', 'several spaces before the target', new RegExp(`${FRONT} `)),
  refusedHere('BAD_VERSION', 'several spaces before the version', new RegExp(`${FRONT}[^ \\r\\n]+  `)),
  refusedHere('BAD_VERSION', 'a request of HTTP/0.9, without a version', new RegExp(`${FRONT}[^ \\r\\n]* *\\r`)),
  refusedHere('BARE_LINE_BREAK', 'the same, ended by an LF alone', new RegExp(`${FRONT}[^ \\r\\n]* *\\n`)),
  refusedHere('BAD_VERSION', 'RTSP and ICE, which llhttp reads too', new RegExp(`${FRONT}[^ \\r\\n]+ (?:RTSP|ICE)/`)),
  refusedHere(
    'UNKNOWN_VERSION',
    'HTTP/0.9 and HTTP/2.0 as versions',
    new RegExp(`${FRONT}[^ \\r\\n]+ HTTP/(?:0\\.9|2\\.0)\\r`),
  ),
  refusedHere('BAD_TARGET', 'an asterisk, and not for OPTIONS of the server itself', new RegExp(`${FRONT}\\*`)),
  refusedHere('BAD_TARGET', 'a fragment in the target', new RegExp(`${FRONT}[^ \\r\\n]*#`)),
  refusedHere('BAD_TARGET', 'a scheme that is not http or https', new RegExp(`${FRONT}(?!https?:)[a-z]+:`, 'i')),
  refusedHere(
    'BAD_TARGET',
    'an authority that is no host and port, or holds user information',
    new RegExp(`${FRONT}https?://`, 'i'),
  ),
  refusedHere('NOT_SECURED', 'https without TLS', new RegExp(`${FRONT}https://`, 'i')),
  refusedHere('BAD_TARGET', 'a CONNECT to what is no host and port', /^(?:\r\n)*CONNECT /),
  refusedHere('TARGET_TOO_LONG', 'a target over our limit', /[^ \r\n]{8193}/),

  // the fields
  refusedHere('HEAD_TOO_LONG', 'a head over our limit', /^[\s\S]{16384}/),
  refusedHere('TOO_MANY_FIELDS', 'more fields than our limit', /^(?:\r\n)*[^\r\n]+(?:\r\n[^\r\n]+){101}/),
  refusedHere('NO_HOST', 'no Host', / HTTP\/1\.1\r\n/),
  refusedHere('SEVERAL_HOSTS', 'several Hosts', /\nhost:[\s\S]*\nhost:/i),
  refusedHere('BAD_HOST', 'a Host that is none', /\nhost:/i),
  refusedHere('EXPECTATION', 'an expectation nobody can meet', /\nexpect:/i),

  // where the body ends
  refusedHere(
    'LENGTH_MISSING',
    'a POST, PUT or PATCH of HTTP/1.0 without a length',
    /(?:POST|PUT|PATCH) +\S+ +HTTP\/1\.0\r\n/,
  ),
  refusedHere('BAD_LENGTH', 'a length of 2^53 bytes and more', /\ncontent-length:[ \t]*\d{16}/i),
  refusedHere('CODING_IN_1_0', 'Transfer-Encoding in HTTP/1.0', / HTTP\/1\.0\r\n(?:[\s\S]*\n)?transfer-encoding:/i),
  refusedHere('UNKNOWN_CODING', 'another coding before "chunked"', /\ntransfer-encoding:/i),
  {
    ...refusedHere(
      'BAD_CODING',
      'a Transfer-Encoding without a coding, which llhttp passed over',
      /\ntransfer-encoding:[ \t]*\r\n/i,
    ),
    before: '9.4',
  },
  refusedHere(
    'BAD_CODING',
    '"chunked" behind a tab, or at the end of something that is no list of tokens',
    /\ntransfer-encoding:[^\r\n]*chunked[ \t]*\r\n/i,
  ),

  refusedHere(
    'BAD_CODING',
    'a coding that is none beside an upgrade or a CONNECT, for which llhttp looks no further',
    /^(?=[\s\S]*\ntransfer-encoding:)(?:(?=[\s\S]*\nupgrade:)|(?:\r\n)*CONNECT )/i,
  ),

  refusedHere('BODY_OF_CONNECT', 'a CONNECT with a body', /^(?:\r\n)*CONNECT /),

  // the body
  refusedHere('BODY_TOO_LONG', 'a body over our limit', /\r\n\r\n[\s\S]*\b[0-9a-f]{5}/i),
  refusedHere('BAD_CHUNK', 'a chunk size of more than sixteen digits', /\n[0-9a-f]{17}/i),
  refusedHere('BAD_CHUNK', 'a chunk extension with "=" and no value', /=[ \t]*(?:;|\r\n)/),
  refusedHere('BAD_CHUNK', 'a chunk extension without a name', /;[ \t]*(?:[;=]|\r\n)/),
  refusedHere('BAD_CHUNK', 'quotes within the value of a chunk extension', /=[^\r\n;"]+"/),
  refusedHere('EXTENSIONS_TOO_LONG', 'chunk extensions over our limit', /\r\n\r\n[\s\S]*[^\r\n]{256}/),
  refusedHere('TRAILER_TOO_LONG', 'trailers over our limit', /\r\n0/),
]

const LLHTTP_IS_STRICTER: readonly DifferenceClass[] = [
  refusedThere(
    /HPE_INVALID_METHOD|Connection Preface/,
    'a method that is not in its list; any token is one, and whether it is known is for the handler to say',
    'RFC 9110 §9.1',
    ({ text }) => !METHODS.includes(methodOf(text)),
  ),
  {
    name: 'PRI, behind whose request line llhttp waits for the rest of HTTP/2’s preface; here it is a token as any other',
    rule: 'RFC 9113 §3.4',
    stricter: 'llhttp',
    is: ({ index, ours, theirs, text }) => {
      const isWaiting = theirs.end === 'unfinished' && theirs.requests.length === index
      return isWaiting && ours.requests[index]?.method === 'PRI' && methodOf(text) === 'PRI'
    },
  },
  {
    ...refusedThere(
      /Invalid character in Content-Length/,
      'a tab behind a length: white space around a value is no part of it, and a tab is white space',
      'RFC 9112 §5.1',
      ({ text }) => /\ncontent-length:[ \t]*\d+ *\t[ \t]*\r\n/i.test(text),
    ),
    before: '9.4',
  },
  refusedThere(
    /chunk (?:size|extension)/,
    'white space in a chunk extension: a recipient MUST parse it, and drop it',
    'RFC 9112 §7.1.1',
    ({ text }) => /\r\n\r\n[\s\S]*\b[0-9a-f]+(?:[ \t]+;|;[^\r\n]*[ \t])/i.test(text),
  ),
  refusedThere(
    /CONTENT_LENGTH|TRANSFER_ENCODING/,
    'a length or a coding in a trailer: no trailer is framing, and ours are dropped',
    'RFC 9110 §6.5.1',
    ({ text }) => inTrailer('(?:content-length|transfer-encoding):').test(text),
  ),
  refusedThere(
    /HPE_CLOSED_CONNECTION/,
    'Connection: close in a trailer: it says nothing there',
    'RFC 9110 §6.5.1',
    ({ before }) => inTrailer('connection:[^\\r\\n]*close').test(before),
  ),
]

const OTHERS: readonly DifferenceClass[] = [
  {
    name: 'bytes that end before one of the two has seen what the other refuses; a few more, and it does',
    rule: 'RFC 9112 §2.2',
    stricter: 'neither',
    is: ({ about, index, ours, theirs, text }) => {
      if (about !== 'end' || ours.requests.length !== index) return false
      if (ours.end === 'refused' && theirs.end === 'unfinished') return refusesSoon(readWithLlhttp, text)
      return theirs.end === 'refused' && ours.end === 'unfinished' && refusesSoon(readWithOurs, text)
    },
  },
  {
    name: 'an absolute target names the host, whatever the Host field says',
    rule: 'RFC 9112 §3.2.2',
    stricter: 'neither',
    is: ({ about, index, ours }) => {
      const { target, host } = ours.requests[index] ?? { target: '', host: '' }
      return about === 'host' && /^https?:\/\//i.test(target) && target.split('/')[2]!.startsWith(host)
    },
  },
  {
    name: 'so does the target of a CONNECT',
    rule: 'RFC 9112 §3.2.3',
    stricter: 'neither',
    is: ({ about, index, ours }) => {
      const { method, target, host } = ours.requests[index] ?? { method: '', target: '', host: '' }
      return about === 'host' && method === 'CONNECT' && target === host
    },
  },
  {
    name: 'a tab behind a word of Connection: llhttp did not know the word any more',
    rule: 'RFC 9110 §5.6.1',
    stricter: 'neither',
    before: '9.4',
    is: ({ about, text }) => about === 'keepAlive' && /\nconnection:[^\r\n]*\b(?:close|keep-alive) *\t/i.test(text),
  },
  {
    name: 'Proxy-Connection, which was never to be more than a mistake, and which llhttp reads as Connection',
    rule: 'RFC 9112 §C.2.2',
    stricter: 'neither',
    is: ({ about, text }) => about === 'keepAlive' && /\nproxy-connection:/i.test(text),
  },
  {
    name: 'both close and keep-alive in HTTP/1.0: close wins',
    rule: 'RFC 9112 §9.3',
    stricter: 'ours',
    is: ({ about, index, ours, theirs, text }) => {
      const [one, other] = [ours.requests[index], theirs.requests[index]]
      const both = /\nconnection:[^\r\n]*\bclose\b/i.test(text) && /\nconnection:[^\r\n]*\bkeep-alive\b/i.test(text)
      return about === 'keepAlive' && one?.version === '1.0' && !one.keepAlive && other?.keepAlive === true && both
    },
  },
]

/** What could come next, within a request line, a field, a chunk or behind them. */
const CONTINUATIONS = [' HTTP/1.1\r\n', 'x', '\r\n', '\r\n\r\n', '\r\nx: y\r\n\r\n', '\n\r\n', '\r\n0\r\n\r\n']

function refusesSoon(read: (bytes: Buffer) => Reading, text: string): boolean {
  return CONTINUATIONS.some((more) => {
    const { requests, end } = read(Buffer.from(`${text}${more}`, 'latin1'))
    return requests.length === 0 && end === 'refused'
  })
}

function methodOf(text: string): string {
  return new RegExp(`^(?:\\r\\n)*(${TOKEN})?`).exec(text)?.[1] ?? ''
}

const ALL: readonly DifferenceClass[] = [...OURS_IS_STRICTER, ...LLHTTP_IS_STRICTER, ...OTHERS]

/** Those of the llhttp in this Node. */
export const CLASSES = ALL.filter(({ before }) => before === undefined || isOlder(process.versions.llhttp!, before))

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}

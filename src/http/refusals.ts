/**
 * Every reason to turn a request away: the row's name is what code and counters say, `status` and `says` are what the
 * client is told, `rule` is where it is written.
 *
 * The only place such statuses are chosen. A refused request is the peer's mistake: it is answered and counted, never a
 * stack trace. After any of these the connection closes: where the next request would begin can no longer be trusted.
 */
export const REFUSALS = {
  // the request line
  TOO_MANY_BLANK_LINES: { status: 400, rule: 'RFC 9112 §2.2', says: 'too many empty lines before the request' },
  BARE_LINE_BREAK: { status: 400, rule: 'RFC 9112 §2.2', says: 'a line of the head does not end in CR LF' },
  BAD_METHOD: { status: 400, rule: 'RFC 9112 §3.1', says: 'malformed method' },
  METHOD_TOO_LONG: { status: 501, rule: 'RFC 9112 §3', says: 'method longer than any known' },
  BAD_TARGET: { status: 400, rule: 'RFC 9112 §3.2', says: 'malformed request target' },
  NOT_SECURED: { status: 421, rule: 'RFC 9110 §7.4', says: 'https was asked for on a connection without TLS' },
  TARGET_TOO_LONG: { status: 414, rule: 'RFC 9112 §3', says: 'request target over limits.targetBytes' },
  BAD_VERSION: { status: 400, rule: 'RFC 9112 §2.3', says: 'malformed HTTP version' },
  UNKNOWN_VERSION: { status: 505, rule: 'RFC 9110 §15.6.6', says: 'only HTTP/1.0 and HTTP/1.1 are spoken here' },

  // the fields
  FOLDED_FIELD: { status: 400, rule: 'RFC 9112 §5.2', says: 'a field line begins with white space' },
  SPACE_BEFORE_COLON: { status: 400, rule: 'RFC 9112 §5.1', says: 'white space between field name and colon' },
  BAD_FIELD_NAME: { status: 400, rule: 'RFC 9110 §5.1', says: 'malformed field name' },
  BAD_FIELD_VALUE: { status: 400, rule: 'RFC 9110 §5.5', says: 'control character in a field value' },
  HEAD_TOO_LONG: { status: 431, rule: 'RFC 6585 §5', says: 'request head over limits.headBytes' },
  TOO_MANY_FIELDS: { status: 431, rule: 'RFC 6585 §5', says: 'more fields than limits.fieldCount' },
  HEAD_LATE: { status: 408, rule: 'RFC 9110 §15.5.9', says: 'the request head took too long to arrive' },

  // whom it is for
  NO_HOST: { status: 400, rule: 'RFC 9112 §3.2', says: 'no Host field' },
  SEVERAL_HOSTS: { status: 400, rule: 'RFC 9112 §3.2', says: 'more than one Host field' },
  BAD_HOST: { status: 400, rule: 'RFC 9112 §3.2', says: 'malformed host' },

  // where its body ends
  BAD_LENGTH: { status: 400, rule: 'RFC 9110 §8.6', says: 'malformed Content-Length' },
  SEVERAL_LENGTHS: { status: 400, rule: 'RFC 9112 §6.3', says: 'more than one Content-Length' },
  LENGTH_MISSING: {
    status: 411,
    rule: 'RFC 1945 §8.3',
    says: 'an HTTP/1.0 request of this method needs a Content-Length',
  },
  FRAMED_TWICE: { status: 400, rule: 'RFC 9112 §6.1', says: 'Content-Length and Transfer-Encoding together' },
  BAD_CODING: { status: 400, rule: 'RFC 9112 §6.3', says: 'Transfer-Encoding is not exactly "chunked"' },
  UNKNOWN_CODING: { status: 501, rule: 'RFC 9112 §6.1', says: 'unknown transfer coding' },
  BODY_OF_CONNECT: { status: 400, rule: 'RFC 9110 §9.3.6', says: 'a CONNECT with a body' },
  CODING_IN_1_0: { status: 400, rule: 'RFC 9112 §6.1', says: 'Transfer-Encoding in an HTTP/1.0 request' },
  EXPECTATION: { status: 417, rule: 'RFC 9110 §10.1.1', says: 'only 100-continue can be expected here' },

  // the body
  BAD_CHUNK: { status: 400, rule: 'RFC 9112 §7.1', says: 'malformed chunk' },
  EXTENSIONS_TOO_LONG: { status: 400, rule: 'RFC 9112 §7.1.1', says: 'chunk extensions too long' },
  BAD_TRAILER: { status: 400, rule: 'RFC 9112 §7.1.2', says: 'malformed trailer field' },
  TRAILER_TOO_LONG: { status: 431, rule: 'RFC 6585 §5', says: 'trailer section too long' },
  BODY_TOO_LONG: { status: 413, rule: 'RFC 9110 §15.5.14', says: 'request body over limits.bodyBytes' },
  BODY_LATE: { status: 408, rule: 'RFC 9110 §15.5.9', says: 'the request body took too long to arrive' },
} as const

export type RefusalName = keyof typeof REFUSALS

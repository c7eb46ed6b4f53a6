/**
 * Every byte there is, at every place around a field that framing or routing hangs on. A field in disguise is one that this
 * server passes over and another one reads, or the other way round: so each is read, or is plainly another field, or
 * makes the request refused.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestHead } from './head.ts'
import { DONE, HeadParser, REFUSED } from './head-parser.ts'
import { LIMITS } from './read.test.support.ts'

type Fate = 'read' | 'another field' | 'refused'

interface Subject {
  readonly name: string
  readonly value: string
  /** Besides white space, what the value may begin and end with, and still be a value of this field. */
  readonly first: RegExp
  readonly last: RegExp
  /** The white space that may stand around it. */
  readonly blank: RegExp
  isRead(head: RequestHead): boolean
}

const NOTHING = /[^\s\S]/
const SUBJECTS: readonly Subject[] = [
  {
    name: 'Transfer-Encoding',
    value: 'chunked',
    first: NOTHING,
    last: NOTHING,
    blank: / /,
    isRead: (head) => head.bodyKind === 'chunked',
  },
  {
    name: 'Content-Length',
    value: '5',
    first: /[0-9]/,
    last: /[0-9]/,
    blank: /[ \t]/,
    isRead: (head) => head.bodyKind === 'length',
  },
  {
    name: 'Host',
    value: 'b',
    first: /[\w.~!$&'()*+;=-]/,
    last: /[\w.~!$&'()*+;=:-]/,
    blank: /[ \t]/,
    isRead: (head) => head.host !== '',
  },
]

const NAME = /[!#$%&'*+.^_`|~0-9A-Za-z-]/
const VALUE = /[\t\x20-\x7e\x80-\xff]/

interface Place {
  readonly where: string
  lines(subject: Subject, byte: string): string
  fate(subject: Subject, byte: string): Fate
}

const PLACES: readonly Place[] = [
  {
    where: 'before its name',
    lines: ({ name, value }, byte) => `${byte}${name}: ${value}`,
    fate: (_, byte) => (NAME.test(byte) ? 'another field' : 'refused'),
  },
  {
    where: 'behind its name',
    lines: ({ name, value }, byte) => `${name}${byte}: ${value}`,
    fate: (_, byte) => (NAME.test(byte) ? 'another field' : 'refused'),
  },
  {
    where: 'before its value',
    lines: ({ name, value }, byte) => `${name}:${byte}${value}`,
    fate: ({ first, blank }, byte) => (blank.test(byte) || first.test(byte) ? 'read' : 'refused'),
  },
  {
    where: 'behind its value',
    lines: ({ name, value }, byte) => `${name}: ${value}${byte}`,
    fate: ({ last, blank }, byte) => (blank.test(byte) || last.test(byte) ? 'read' : 'refused'),
  },
  {
    where: 'in place of a line break',
    lines: ({ name, value }, byte) => `X: y${byte}${name}: ${value}`,
    fate: (_, byte) => (VALUE.test(byte) ? 'another field' : 'refused'),
  },
  {
    where: 'behind a CR',
    lines: ({ name, value }, byte) => `X: y\r${byte}${name}: ${value}`,
    fate: (_, byte) => (byte === '\n' ? 'read' : 'refused'),
  },
  {
    where: 'before an LF',
    lines: ({ name, value }, byte) => `X: y${byte}\n${name}: ${value}`,
    fate: (_, byte) => (byte === '\r' ? 'read' : 'refused'),
  },
  {
    where: 'alone on a line before it',
    lines: ({ name, value }, byte) => `${byte}\r\n${name}: ${value}`,
    fate: () => 'refused',
  },
]

function fateOf(subject: Subject, lines: string): Fate {
  const host = subject.name === 'Host' ? '' : 'Host: a\r\n'
  const bytes = Buffer.from(`POST / HTTP/1.1\r\n${host}${lines}\r\nLast: z\r\n\r\n`, 'latin1')
  const parser = new HeadParser(LIMITS)
  const outcome = parser.parse(bytes, 0, bytes.length)
  // Of Host, a field that is another one leaves a request that has none.
  if (outcome === REFUSED) return subject.name === 'Host' && parser.refusal === 'NO_HOST' ? 'another field' : 'refused'
  assert.equal(outcome, DONE)
  return subject.isRead(parser.take(bytes, 0)) ? 'read' : 'another field'
}

for (const subject of SUBJECTS) {
  for (const { where, lines, fate } of PLACES) {
    test(`${subject.name} hides behind no byte ${where}`, () => {
      for (let code = 0; code < 256; code++) {
        const byte = String.fromCharCode(code)
        const text = lines(subject, byte)
        assert.equal(fateOf(subject, text), fate(subject, byte), `byte ${code}: ${JSON.stringify(text)}`)
      }
    })
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, type Level, type Log, oneLine } from './log.ts'

const TIME = '2026-01-02T03:04:05.678Z'
const ENTIRE = Number.POSITIVE_INFINITY

/** Descriptors that take only so many bytes at each write, or fail with a code: then everything again. */
class PretendOs {
  readonly out: Record<number, string> = { 1: '', 2: '' }
  readonly plan: (number | string)[]
  readonly isTerminal: boolean

  constructor(plan: (number | string)[] = [], isTerminal = false) {
    this.plan = plan
    this.isTerminal = isTerminal
  }

  now = () => new Date(TIME)

  write = (fd: number, bytes: Uint8Array): number => {
    const step = this.plan.shift() ?? ENTIRE
    if (typeof step === 'string') throw Object.assign(new Error(step), { code: step })
    const taken = bytes.subarray(0, step)
    this.out[fd] += Buffer.from(taken).toString('latin1')
    return taken.length
  }
}

function logged(say: (log: Log) => void, level: Level = 'debug', plan: (number | string)[] = []): string {
  const os = new PretendOs(plan)
  say(createLog(level, 'worker 3 (pid 123)', os))
  assert.equal(os.out[1], '')
  return os.out[2]!
}

test('an entry is one line: when, how grave, who, what', () => {
  assert.equal(
    logged((log) => log.warn('backlog full')),
    `${TIME} warn worker 3 (pid 123): backlog full\n`,
  )
})

const SAID: readonly (readonly [level: Level, heard: string])[] = [
  ['error', 'error'],
  ['warn', 'error warn'],
  ['info', 'error warn info'],
  ['debug', 'error warn info debug'],
]

for (const [level, heard] of SAID) {
  test(`at level ${level} one hears: ${heard}`, () => {
    const text = logged((log) => {
      for (const name of ['error', 'warn', 'info', 'debug'] as const) log[name]('x')
    }, level)
    const levels = text.trimEnd().split('\n')
    assert.equal(levels.map((line) => line.split(' ')[1]).join(' '), heard)
  })
}

test('a forked child speaks under its own name', () => {
  const text = logged((log) => {
    log.name = 'worker 4 (pid 124)'
    log.info('here')
  })
  assert.equal(text, `${TIME} info worker 4 (pid 124): here\n`)
})

const LINES: readonly (readonly [string, string])[] = [
  ['plain', 'plain'],
  ['GET /\r\nforged: entry', 'GET /\\r\\nforged: entry'],
  ['\x1b[2J\t\0\x7f\x9b', '\\x1b[2J\\t\\x00\\x7f\\x9b'],
  ['a\u2028b\u2029', 'a\\u2028b\\u2029'],
  ['grüße 안녕 👋', 'grüße 안녕 👋'],
]

for (const [said, line] of LINES) test(`on one line: ${line}`, () => assert.equal(oneLine(said), line))

const FORGED = `boom\n${TIME} info supervisor: all is well\x1b[2J`

test("an app's error is one line, its stack behind the message", () => {
  const text = logged((log) => log.errorWithStack('the app failed on GET /a\n for b', new RangeError(FORGED)))
  assert.equal(text.indexOf('\n'), text.length - 1)
  const head = `${TIME} error worker 3 (pid 123): the app failed on GET /a\\n for b: RangeError: boom\\n${TIME} info`
  assert.ok(text.startsWith(head), text)
  assert.match(text, /all is well\\x1b\[2J\\n {4}at .*log\.test\.js/)
})

test("on a terminal an app's error shows its stack below, indented, and cannot pass for an entry", () => {
  const os = new PretendOs([], true)
  createLog('error', 'worker 3 (pid 123)', os).errorWithStack('the app threw', new RangeError(FORGED))
  const lines = os.out[2]!.trimEnd().split('\n')
  assert.equal(lines[0], `${TIME} error worker 3 (pid 123): the app threw`)
  assert.equal(lines[1], '    RangeError: boom')
  assert.equal(lines[2], `    ${TIME} info supervisor: all is well\\x1b[2J`)
  assert.match(lines[3]!, /^ {8}at /)
  for (const line of lines.slice(1)) assert.match(line, /^ {4}/)
})

test('whatever is thrown can be logged', () => {
  const hostile = {
    get [Symbol.toStringTag]() {
      throw new Error('no')
    },
  }
  for (const thrown of [undefined, null, 'text', 7, hostile]) {
    assert.match(
      logged((log) => log.errorWithStack('threw', thrown)),
      /: threw: \S.*\n$/,
    )
  }
})

test('an entry of any length is cut', () => {
  const text = logged((log) => log.error('x'.repeat(100_000)))
  assert.ok(text.length < 33_000)
  assert.match(text, / more characters\)\n$/)
})

test('plain goes to stdout as it is, whatever the level', () => {
  const os = new PretendOs()
  createLog('error', 'supervisor', os).plain('Server listening on 127.0.0.1:8080')
  assert.deepEqual(os.out, { 1: 'Server listening on 127.0.0.1:8080\n', 2: '' })
})

/** Two entries, with what write(2) does in turn; then what the reader has, and how many were lost. */
const PLANS: readonly (readonly [what: string, plan: (number | string)[], read: string, dropped: number])[] = [
  ['a pipe that takes a part at a time', [5, 5], 'AB', 0],
  ['a pipe full for a moment', ['EAGAIN', 'EAGAIN'], 'AB', 0],
  ['a pipe full for long', ['EAGAIN', 'EAGAIN', 'EAGAIN', 'EAGAIN'], 'TB', 1],
  ['a reader gone', ['EPIPE', 'EPIPE'], '', 2],
  ['a full disk, then room', ['ENOSPC'], 'TB', 1],
]

const ENTRIES: Readonly<Record<string, string>> = {
  A: `${TIME} info worker 3 (pid 123): first\n`,
  B: `${TIME} info worker 3 (pid 123): second\n`,
  T: `${TIME} info worker 3 (pid 123): log entries lost before this: 1\n`,
}

for (const [what, plan, read, dropped] of PLANS) {
  test(`${what} loses ${dropped}`, () => {
    const text = logged(
      (log) => {
        log.info('first')
        log.info('second')
        assert.equal(log.dropped, dropped)
      },
      'info',
      plan,
    )
    assert.equal(text, [...read].map((letter) => ENTRIES[letter]).join(''))
  })
}

test('an entry that was cut short does not run into the next', () => {
  const text = logged(
    (log) => {
      log.info('first')
      log.info('second')
    },
    'info',
    [10, 'EPIPE'],
  )
  assert.equal(text, `${TIME.slice(0, 10)}\n${ENTRIES.T}${ENTRIES.B}`)
})

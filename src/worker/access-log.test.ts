import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AF_UNIX, SO_SNDBUF, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET } from '../kernel/constants.ts'
import { close } from '../kernel/fd.ts'
import { allocate } from '../kernel/memory.ts'
import { recv, setsockopt, socketpair } from '../kernel/socket.ts'
import { type AccessEntry, AccessLog, formatCombined, openAccessLog } from './access-log.ts'

const NOON = Date.UTC(2026, 9, 10, 13, 55, 36)

const ENTRY: AccessEntry = {
  remoteAddress: '127.0.0.1',
  method: 'GET',
  target: '/',
  minorVersion: 1,
  status: 200,
  bodyBytes: 2326,
  referer: null,
  userAgent: 'curl/8.5.0',
}

const format = (parts: Partial<AccessEntry>, at = NOON) => formatCombined({ ...ENTRY, ...parts }, at)

test('the combined format of Apache and nginx', () => {
  assert.equal(format({}), '127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 2326 "-" "curl/8.5.0"\n')
  assert.equal(
    format({ remoteAddress: '::1', minorVersion: 0, referer: 'http://a/', userAgent: null, bodyBytes: 0 }),
    '::1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.0" 200 0 "http://a/" "-"\n',
  )
})

test('the time, in UTC, at the ends of the year', () => {
  assert.match(format({}, Date.UTC(2026, 0, 1)), /\[01\/Jan\/2026:00:00:00 \+0000\]/)
  assert.match(format({}, Date.UTC(2026, 11, 31, 23, 59, 59, 999)), /\[31\/Dec\/2026:23:59:59 \+0000\]/)
})

test('what a client sent can end neither the line nor the quotes', () => {
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
  for (const part of ['target', 'referer', 'userAgent'] as const) {
    const line = format({ [part]: all })
    assert.match(line, /^[\x20-\x7e]*\n$/)
    assert.equal(line.split('"').length, 7)
    assert.ok(line.includes('\\x00\\x01') && line.includes('\\x22') && line.includes('\\x5C') && line.includes('\\xFF'))
  }
})

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'prefork-access-log-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('reopened, it goes on in a new file where the old one was moved away', (t) => {
  const path = folder(t)
  const file = join(path, 'access.log')
  const log = openAccessLog(file)!
  log.add(ENTRY, NOON)
  renameSync(file, join(path, 'access.log.1'))
  assert.equal(log.reopen(file), null)
  log.add({ ...ENTRY, target: '/after' }, NOON)
  log.flush()
  assert.equal(readFileSync(join(path, 'access.log.1'), 'latin1'), format({}))
  assert.equal(readFileSync(file, 'latin1'), format({ target: '/after' }))
})

test('where no new file can be opened, it goes on in the old one and says why', (t) => {
  const path = folder(t)
  const file = join(path, 'access.log')
  const log = openAccessLog(file)!
  const error = log.reopen(join(path, 'none', 'access.log'))
  assert.equal(error?.code, 'ENOENT')
  log.add(ENTRY, NOON)
  log.flush()
  assert.equal(readFileSync(file, 'latin1'), format({}))
})

test('lines are gathered, and written when there are enough or when flushed', (t) => {
  const file = join(folder(t), 'access.log')
  const log = openAccessLog(file)!
  log.add(ENTRY, NOON)
  assert.equal(statSync(file).size, 0)
  log.flush()
  assert.equal(readFileSync(file, 'latin1'), format({}))
  for (let i = 0; i < 1_000; i++) log.add(ENTRY, NOON)
  assert.ok(statSync(file).size > 500 * format({}).length)
  log.flush()
  assert.equal(readFileSync(file, 'latin1'), format({}).repeat(1_001))
})

test('off is none, and a file that cannot be opened says which', () => {
  assert.equal(openAccessLog('off'), null)
  assert.throws(() => openAccessLog('/nonexistent/access.log'), /open.*ENOENT.*\/nonexistent\/access\.log/)
})

/** A log into a pipe of a few KB that nobody reads, and its reader. */
function stuckLog(t: TestContext): { log: AccessLog; read: () => string } {
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  setsockopt(near, SOL_SOCKET, SO_SNDBUF, 1)
  t.after(() => {
    close(near)
    close(far)
  })
  const memory = allocate(65_536)
  const read = () => {
    let text = ''
    for (let length = recv(far, memory, 0, 65_536); length > 0; length = recv(far, memory, 0, 65_536)) {
      text += memory.bytes.toString('latin1', 0, length)
    }
    return text
  }
  return { log: new AccessLog(near), read }
}

const LINE = format({ target: '/number/0000000' }).length

/** The numbers of the lines, every one of which must be whole. */
function numbersIn(text: string): number[] {
  assert.equal(text.length % LINE, 0)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => Number(/"GET \/number\/(\d{7}) HTTP\/1\.1" 200 2326 "-" "curl\/8\.5\.0"$/.exec(line)![1]))
}

test('while the file takes nothing lines are held, within a bound, the oldest dropped whole', (t) => {
  const { log, read } = stuckLog(t)
  const count = 30_000
  for (let i = 0; i < count; i++) log.add({ ...ENTRY, target: `/number/${String(i).padStart(7, '0')}` }, NOON)
  assert.ok(log.droppedBytes > 1_000_000, 'more came than may be held')
  let text = ''
  for (let more = read(); more !== ''; more = read()) {
    text += more
    log.flush()
  }
  const numbers = numbersIn(text)
  assert.equal(numbers.length * LINE + log.droppedBytes, count * LINE)
  assert.equal(numbers.at(-1), count - 1)
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  )
  const gaps = numbers.filter((number, i) => i > 0 && number !== numbers[i - 1]! + 1)
  assert.equal(gaps.length, 1, 'what was dropped lies together')
})

test('when the file takes lines again, all that are held go out, and later ones are written as ever', (t) => {
  const { log, read } = stuckLog(t)
  for (let i = 0; i < 1_000; i++) log.add({ ...ENTRY, target: `/number/${String(i).padStart(7, '0')}` }, NOON)
  let text = ''
  for (let more = read(); more !== ''; more = read()) {
    text += more
    log.flush()
  }
  assert.deepEqual(
    numbersIn(text),
    Array.from({ length: 1_000 }, (_, i) => i),
  )
  assert.equal(log.droppedBytes, 0)
})

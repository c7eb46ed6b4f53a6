import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { AccessLogFormat } from '../config/options.ts'
import { O_NONBLOCK, O_RDONLY } from '../kernel/constants.ts'
import { close, type Fd, isOpen } from '../kernel/fd.ts'
import { open, read } from '../kernel/file.ts'
import { allocate } from '../kernel/memory.ts'
import { EventLoop } from '../net/loop.ts'
import { entryOf } from './access-entry.test.support.ts'
import { LINE_FORMATS } from './access-format.ts'
import { AccessLog, HELD_BYTES_MAX, openAccessLog } from './access-log.ts'
import { Outlet } from './outlet.ts'
import { KeptLog } from './pretend-service.test.support.ts'

const NOON = Date.UTC(2026, 9, 10, 13, 55, 36)
const WRITER = { slot: 0, pid: 1 }
const ENTRY = entryOf()

/** What the log should hold of an entry for this target. */
const lineFor = (target = '/') => LINE_FORMATS.combined(entryOf({ target }), NOON, WRITER, Number.POSITIVE_INFINITY)

function partsOf(t: TestContext, log = new KeptLog(), format: AccessLogFormat = 'combined') {
  const loop = new EventLoop()
  const closing: (() => void)[] = [() => loop.close()]
  t.after(() => {
    for (const close of closing) close()
  })
  return { closing, format, writer: WRITER, log, loop }
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'prefork-access-log-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('reopened, it goes on in a new file where the old one was moved away', (t) => {
  const path = folder(t)
  const file = join(path, 'access.log')
  const log = openAccessLog(file, partsOf(t))!
  log.add(ENTRY, NOON)
  renameSync(file, join(path, 'access.log.1'))
  assert.equal(log.reopen(file), null)
  log.add(entryOf({ target: '/after' }), NOON)
  log.close()
  assert.equal(readFileSync(join(path, 'access.log.1'), 'latin1'), lineFor())
  assert.equal(readFileSync(file, 'latin1'), lineFor('/after'))
})

test('where no new file can be opened, it goes on in the old one and says why', (t) => {
  const path = folder(t)
  const file = join(path, 'access.log')
  const log = openAccessLog(file, partsOf(t))!
  const error = log.reopen(join(path, 'none', 'access.log'))
  assert.equal(error?.code, 'ENOENT')
  log.add(ENTRY, NOON)
  log.close()
  assert.equal(readFileSync(file, 'latin1'), lineFor())
})

test('lines are gathered, and written when there are enough or when flushed', (t) => {
  const file = join(folder(t), 'access.log')
  writeFileSync(file, 'before\n')
  const log = openAccessLog(file, partsOf(t))!
  log.add(ENTRY, NOON)
  assert.equal(readFileSync(file, 'latin1'), 'before\n')
  log.flush()
  assert.equal(readFileSync(file, 'latin1'), `before\n${lineFor()}`)
  for (let i = 0; i < 1_000; i++) log.add(ENTRY, NOON)
  assert.ok(statSync(file).size > 500 * lineFor().length)
  log.finish()
  assert.equal(readFileSync(file, 'latin1'), `before\n${lineFor().repeat(1_001)}`)
  log.close()
})

test('off is none, and a file that cannot be opened says which', (t) => {
  assert.equal(openAccessLog('off', partsOf(t)), null)
  assert.throws(() => openAccessLog('/nonexistent/access.log', partsOf(t)), /open.*ENOENT.*\/nonexistent\/access\.log/)
})

test('closed, it gives its descriptor back', (t) => {
  const log = openAccessLog(join(folder(t), 'access.log'), partsOf(t))!
  const outlet = new Outlet(log.fd, false)
  log.close()
  assert.equal(isOpen(outlet.fd), false)
})

/** A log into a fifo, and its reader, who reads when the test does. */
function stuckLog(t: TestContext, format: AccessLogFormat = 'combined') {
  const fifo = join(folder(t), 'fifo')
  execFileSync('mkfifo', [fifo])
  const far = open(fifo, O_RDONLY | O_NONBLOCK) as Fd
  t.after(() => {
    if (isOpen(far)) close(far)
  })
  const memory = allocate(65_536)
  const readSome = () => {
    const length = read(far, memory)
    return length > 0 ? memory.bytes.toString('latin1', 0, length) : ''
  }
  const readAll = () => {
    let text = ''
    for (let more = readSome(); more !== ''; more = readSome()) text += more
    return text
  }
  const said = new KeptLog()
  const parts = partsOf(t, said, format)
  const log = openAccessLog(fifo, parts)!
  parts.closing.unshift(() => log.close())
  const add = (number: number) => log.add(entryOf({ target: numbered(number) }), NOON)
  return { log, add, read: readAll, said: said.entries, loop: parts.loop, far }
}

const numbered = (number: number) => `/number/${String(number).padStart(7, '0')}`

/** The numbers of the lines, every one of which must be whole. */
function numbersIn(text: string): number[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const number = Number(/"GET \/number\/(\d{7}) /.exec(line)?.[1])
      assert.equal(`${line}\n`, lineFor(numbered(number)))
      return number
    })
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

test('while nothing is taken lines are held, within a bound; the oldest are dropped, whole, and told of once', (t) => {
  const { log, add, read, said } = stuckLog(t)
  const count = 30_000
  for (let i = 0; i < count; i++) add(i)
  assert.ok(log.linesLost * lineFor(numbered(0)).length > HELD_BYTES_MAX, 'more came than may be held')
  assert.equal(said.length, 1)
  assert.match(said[0]!, /^warn the access log has lost \d+ lines: its reader is too slow$/)
  let text = ''
  for (let more = read(); more !== ''; more = read()) {
    text += more
    log.flush()
  }
  const numbers = numbersIn(text)
  assert.equal(numbers.length + log.linesLost, count)
  assert.equal(numbers.at(-1), count - 1)
  const gaps = numbers.filter((number, i) => i > 0 && number !== numbers[i - 1]! + 1)
  assert.equal(gaps.length, 1, 'in order, and what was dropped lies together')
  log.finish()
  assert.equal(said.length, 2, 'the rest is told of at the end')
  const told = said.map((entry) => Number(/lost (\d+) lines/.exec(entry)![1]))
  assert.equal(told[0]! + told[1]!, log.linesLost)
})

test('so are lines that come a few at a time', (t) => {
  const { log, add } = stuckLog(t)
  const lines = Math.ceil((HELD_BYTES_MAX + 500_000) / lineFor(numbered(0)).length)
  for (let i = 0; i < lines; i++) {
    add(i)
    if (i % 10 === 0) log.flush()
  }
  assert.ok(log.linesLost > 1_000)
})

test('as soon as its reader reads on, the loop tells it, and all that is held goes out', (t) => {
  const { log, add, read, loop, said } = stuckLog(t)
  for (let i = 0; i < 1_000; i++) add(i)
  let text = ''
  for (let more = read(); more !== ''; more = read()) {
    text += more
    loop.takeEvents()
  }
  log.flush()
  text += read()
  assert.deepEqual(numbersIn(text), upTo(1_000))
  assert.deepEqual([log.linesLost, said], [0, []])
})

test('at the end a slow reader is waited for, a moment; one that does not read is told of', (t) => {
  const { log, add, read, said } = stuckLog(t)
  for (let i = 0; i < 1_000; i++) add(i)
  const before = performance.now()
  log.finish()
  assert.ok(performance.now() - before < 5_000)
  assert.equal(log.linesLost, 1_000 - numbersIn(read()).length)
  assert.deepEqual(said, [`warn the access log has lost ${log.linesLost} lines: its reader is too slow`])
})

test('a reader that is gone is told of, and nothing else happens', (t) => {
  const { log, add, said, far, loop } = stuckLog(t)
  close(far)
  add(0)
  log.flush()
  add(1)
  loop.takeEvents()
  log.finish()
  assert.deepEqual(said, ['warn the access log has lost 2 lines: it cannot be written (EPIPE)'])
})

test('where lines of several writers could mix, none is longer than what is written whole', (t) => {
  for (const format of ['combined', 'json'] as const) {
    const { log, read } = stuckLog(t, format)
    const long = '\xff"'.repeat(4_000)
    log.add(entryOf({ target: long, referer: long, userAgent: long, host: long }), NOON)
    log.flush()
    const line = read()
    assert.match(line, /^.{1500,4095}\n$/)
    assert.match(line, /\.\.\."/)
  }
})

test('to a file a line is whole whatever its length', (t) => {
  const file = join(folder(t), 'access.log')
  const log = openAccessLog(file, partsOf(t))!
  const userAgent = 'x'.repeat(20_000)
  log.add(entryOf({ userAgent }), NOON)
  log.close()
  assert.ok(readFileSync(file, 'latin1').endsWith(`"${userAgent}"\n`))
})

/** An outlet that takes only so many bytes at each write, or fails with an errno; then everything. */
class PlannedOutlet extends Outlet {
  readonly plan: number[]
  text = ''

  constructor(fd: Fd, plan: number[]) {
    super(fd, true)
    this.plan = plan
  }

  override write(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.plan.shift() ?? Number.POSITIVE_INFINITY)
    if (taken > 0) this.text += Buffer.from(bytes.subarray(0, taken)).toString('latin1')
    return taken
  }
}

const ENOSPC = 28

/** What the disk takes in turn, the parts that are no whole lines, and the rest of what it holds. */
const PLANS: readonly (readonly [what: string, plan: number[], torn: string[]])[] = [
  ['nothing, then room', [-ENOSPC], []],
  ['whole lines, then room', [2 * lineFor(numbered(0)).length, -ENOSPC], []],
  ['half a line, then room', [10, -ENOSPC], [lineFor().slice(0, 10)]],
  ['half a line twice', [10, -ENOSPC, 1 + 5, -ENOSPC], [lineFor().slice(0, 10), lineFor().slice(0, 5)]],
]

for (const [what, plan, torn] of PLANS) {
  test(`a full disk that takes ${what}: each line comes whole, once`, (t) => {
    const file = join(folder(t), 'full')
    const parts = partsOf(t)
    const fd = openAccessLog(file, parts)!.fd
    const outlet = new PlannedOutlet(fd, [...plan])
    const log = new AccessLog({ ...parts, outlet })
    for (let i = 0; i < 3; i++) log.add(entryOf({ target: numbered(i) }), NOON)
    for (let i = 0; i < 3; i++) log.flush()
    log.close()
    const lines = outlet.text.split('\n')
    assert.deepEqual(
      lines.filter((line) => torn.includes(line)),
      torn,
    )
    assert.deepEqual(numbersIn(lines.filter((line) => !torn.includes(line)).join('\n')), upTo(3))
    assert.equal(log.linesLost, 0)
  })
}

/** `prefork top` in a terminal of its own: what it shows, its keys, and that it leaves the terminal as it was. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CONTROLLED, tell } from '../support/control.ts'
import { unless } from '../support/curl.ts'
import { workerOf } from '../support/journey.ts'
import { freeze } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { openTerminal, type Size, type Terminal } from '../support/pty.ts'
import { connectAndSend, request } from '../support/raw.ts'
import { PREFORK, type Server, startServer } from '../support/server.ts'
import { workersReady } from '../support/tree.ts'

const skip = unless('setsid')
const SIZE = { rows: 24, columns: 80 }
const LEFT = '\x1b[?7h\x1b[?25h\x1b[?1049l'

async function start(t: TestContext, args: readonly string[] = []): Promise<Server> {
  const server = await startServer(t, { args: ['--workers', '1', ...CONTROLLED, ...args], log: [/ info supervisor /] })
  await workersReady(server, 1)
  return server
}

function open(t: TestContext, server: Server, size: Size = SIZE, env: NodeJS.ProcessEnv = {}): Terminal {
  const command = [process.execPath, PREFORK, 'top', '--control', 'control.sock'] as const
  return openTerminal(t, size, command, { cwd: server.cwd, env })
}

test('it shows the tree, its queues and its workers, and goes when it is told to', { skip }, async (t) => {
  const server = await start(t)
  const terminal = open(t, server)
  await terminal.shows(/0 requests\/s/)
  const { frame } = terminal
  assert.equal(frame.length, SIZE.rows)
  for (const line of frame) assert.ok(line.length <= SIZE.columns, line)
  assert.match(frame[0]!, new RegExp(`^prefork .*, pid ${server.pid}: serving`))
  assert.ok(frame.some((line) => line.startsWith(`${server.authority}  [`)))
  assert.ok(frame.some((line) => new RegExp(`^ {3}0 +${workerOf(server)} +1 _ waiting `).test(line)))
  assert.match(frame.at(-1)!, /^q quit/)
  terminal.press('q')
  assert.equal(await terminal.ended, 0)
  assert.ok(terminal.output.startsWith('\x1b[?1049h\x1b[?25l\x1b[?7l'))
  assert.ok(terminal.output.endsWith(LEFT), 'the terminal is as it was')
})

test('a backlog that fills is seen, and said', { skip }, async (t) => {
  const server = await start(t, ['--backlog', '5'])
  const worker = workerOf(server)
  await freeze(worker)
  for (let i = 0; i < 5; i++) await connectAndSend(t, server.port, request('GET /'))
  const terminal = open(t, server)
  await terminal.shows(/\[#{24}\] 5 of 5 \(full\)/)
  process.kill(worker, 'SIGCONT')
  await terminal.shows(/ 0 of 5, peak 5 /)
  terminal.press('\x03')
  assert.equal(await terminal.ended, 0)
})

test('it follows the terminal’s size, whatever it is', { skip }, async (t) => {
  const server = await start(t)
  const terminal = open(t, server)
  await terminal.shows(/q quit/)
  for (const size of [
    { rows: 50, columns: 200 },
    { rows: 10, columns: 40 },
    { rows: 3, columns: 10 },
    { rows: 1, columns: 1 },
    SIZE,
  ]) {
    terminal.resize(size)
    const fits = () =>
      terminal.frame.length === size.rows && terminal.frame.every((line) => line.length <= size.columns)
    await waitUntil(fits, `a frame of ${size.rows} lines`)
  }
  terminal.press('q')
  assert.equal(await terminal.ended, 0)
})

test('without colours where they are not wanted', { skip }, async (t) => {
  const server = await start(t)
  const terminal = open(t, server, SIZE, { NO_COLOR: '1' })
  await terminal.shows(/q quit/)
  assert.doesNotMatch(terminal.output, /\x1b\[[\d;]*m/)
  terminal.press('p')
  await terminal.shows(/p go on \(paused\)/)
  terminal.press('s')
  await terminal.shows(/s sort \(by connections\)/)
  terminal.press('q')
  await terminal.ended
})

test('over a reload it goes on; when the server ends it says so, and puts the terminal back', { skip }, async (t) => {
  const server = await start(t)
  const terminal = open(t, server)
  await terminal.shows(/generation 1/)
  assert.equal((await tell(t, server, 'reload')).code, 0)
  await terminal.shows(/generation 2/)
  await server.stop()
  assert.equal(await terminal.ended, 1)
  assert.match(terminal.output.slice(terminal.output.indexOf(LEFT)), /\n?prefork: .*ended/)
})

test('Ctrl-Z puts the terminal back, and fg draws anew', { skip }, async (t) => {
  const server = await start(t)
  const terminal = open(t, server)
  await terminal.shows(/q quit/)
  terminal.press('\x1a')
  await waitUntil(() => terminal.output.endsWith(LEFT), 'the terminal is as it was')
  process.kill(terminal.pid, 'SIGCONT')
  await waitUntil(() => terminal.output.lastIndexOf('q quit') > terminal.output.lastIndexOf(LEFT), 'it is drawn again')
  terminal.press('q')
  assert.equal(await terminal.ended, 0)
})

test('SIGTERM puts the terminal back as well', { skip }, async (t) => {
  const server = await start(t)
  const terminal = open(t, server)
  await terminal.shows(/q quit/)
  process.kill(terminal.pid, 'SIGTERM')
  assert.equal(await terminal.ended, 0)
  assert.ok(terminal.output.endsWith(LEFT))
})

test('where there is no terminal it says what to do', async (t) => {
  const server = await start(t)
  const { code, stderr } = await tell(t, server, 'top')
  assert.equal(code, 1)
  assert.deepEqual(stderr, [
    'prefork: prefork top draws on a terminal, and stdout is none; prefork status tells the same once',
  ])
})

/** `prefork top` at a real terminal: what it draws, the keys, sizes, and every way out. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CONTROLLED, controlOf, succeeds, tell } from '../support/control.ts'
import { workerOf } from '../support/journey.ts'
import { freeze } from '../support/processes.ts'
import { ask, connectAndSend, request } from '../support/raw.ts'
import { PREFORK, type Server, startServer } from '../support/server.ts'
import { startAtTerminal, type Terminal, type TerminalOptions, withTerminal } from '../support/terminal.ts'
import { workersReady } from '../support/tree.ts'

const SIZE = { columns: 80, rows: 24 }

async function serverFor(t: TestContext, ...args: readonly string[]): Promise<Server> {
  const server = await startServer(t, { args: ['--workers', '1', ...CONTROLLED, ...args], log: [/ info supervisor /] })
  await workersReady(server, 1)
  return server
}

/** Once it has drawn for the second time: with rates. */
async function topOf(t: TestContext, server: Server, more: Partial<TerminalOptions> = {}): Promise<Terminal> {
  const words = [process.execPath, PREFORK, 'top', '--interval', '0.1', '--control', controlOf(server)]
  const terminal = await startAtTerminal(t, words, { ...SIZE, cwd: server.cwd, ...more })
  await terminal.until(() => /^requests +[\d.]+\w?\/s/m.test(terminal.text), 'it draws, with rates')
  return terminal
}

async function topOfAServer(t: TestContext) {
  const server = await serverFor(t)
  return { server, terminal: await topOf(t, server) }
}

test('all of a server on 80×24, drawn again and again on the alternate screen', withTerminal, async (t) => {
  const { server, terminal } = await topOfAServer(t)
  assert.deepEqual(terminal.modes, { alternateScreen: true, cursor: false, wrap: false })
  for (let i = 0; i < 5; i++) await ask(server.port, '/')
  await terminal.until(() => /^requests .* 5 so far/m.test(terminal.text), 'it has seen the requests')
  const [head, workers, , requests, connections, sent, dropped, , titles, listener, , columns, worker] = terminal.lines
  assert.match(head!, new RegExp(`^prefork [\\d.]+, pid ${server.pid}: serving, for \\d+s, generation 1$`))
  assert.match(workers!, /^1 worker: 1 \w+; [\d.]+M of memory; model event, accept shared$/)
  assert.match(requests!, /^requests +[\d.]+\/s +5 so far {3}0 being answered$/)
  assert.match(connections!, /^connections +[\d.]+\/s +5 so far {3}\d open$/)
  assert.match(sent!, /^sent +[\d.]+[BK]\/s +[\d.]+[BK] so far$/)
  assert.match(dropped!, /^dropped +\d+ new +\d+ so far {3}SYNs and ACKs/)
  assert.match(titles!, /^LISTENER +ACCEPT QUEUE +WAIT +LIMIT +PEAK +SYN$/)
  assert.match(listener!, new RegExp(`^${server.authority} +\\[[ :]+\\] +0 +\\d+ +\\d +0$`))
  assert.match(columns!, /^SLOT +PID +GEN STATE +CONNS ACTIVE REQ\/S SENT\/S +REQS +AGE +IDLE +PSS$/)
  assert.match(worker!, new RegExp(`^ +0 +${workerOf(server)} +1 [_K] \\w+ .* 5 +\\d+s +\\d+s [\\d. ]+M$`))
  assert.equal(terminal.lines.at(-1), 'q quit  p pause  s sort: busiest')

  const { frames } = terminal
  await terminal.until(() => terminal.frames > frames + 2, 'it draws again')
  terminal.type('q')
  assert.equal(await terminal.ended(), 0)
})

test('a full accept queue is told in a word, and so is what was dropped', withTerminal, async (t) => {
  const server = await serverFor(t, '--backlog', '2')
  const terminal = await topOf(t, server)
  await freeze(workerOf(server))
  for (let i = 0; i < 3; i++) await connectAndSend(t, server.port, request('GET /'))
  await terminal.until(() => /\[\|+ full\] +3 +2 +3 +0$/m.test(terminal.text), 'it is full')
  const late = connectAndSend(t, server.port, request('GET /'))
  await terminal.until(() => /^dropped .* by a full accept queue/m.test(terminal.text), 'a SYN was dropped')
  process.kill(workerOf(server), 'SIGCONT')
  await late
  await terminal.until(() => /\[ +:?\] +0 +2 +3 +0$/m.test(terminal.text), 'it is empty, and its peak is told')
})

test('it takes the size that the terminal has, at once', withTerminal, async (t) => {
  const server = await serverFor(t)
  const terminal = await topOf(t, server)
  for (const [columns, rows] of [
    [60, 15],
    [40, 8],
    [20, 3],
    [1, 1],
    [200, 50],
  ] as const) {
    terminal.resize(columns, rows)
    const start = `prefork ${' '.repeat(columns)}`.slice(0, Math.min(columns, 8)).trimEnd()
    const isDrawn = () => columns < 20 || terminal.lines[0]!.startsWith(start)
    await terminal.until(isDrawn, `it is drawn on ${columns}×${rows}`)
    if (rows >= 3) await terminal.until(() => terminal.lines.at(-1)!.startsWith('q quit'), 'the keys are below')
  }
  terminal.type('q')
  assert.equal(await terminal.ended(), 0)
})

test('p holds it, and lets it go on; s sorts', withTerminal, async (t) => {
  const { server, terminal } = await topOfAServer(t)
  terminal.type('\x1b[A\x1bOQp') // an arrow and F2, which mean nothing
  await terminal.until(() => terminal.lines[0]!.endsWith(' paused'), 'it is paused')
  const before = terminal.text
  await ask(server.port, '/')
  terminal.type('s')
  await terminal.until(() => terminal.text.includes('p go on  s sort: slot'), 'it sorts')
  assert.deepEqual(terminal.lines.slice(0, -1), before.split('\n').slice(0, -1), 'nothing else is new')
  terminal.type('p')
  await terminal.until(() => /^requests .* 1 so far/m.test(terminal.text), 'it goes on')
})

test('however it is ended, the terminal is as it was', withTerminal, async (t) => {
  const server = await serverFor(t)
  for (const key of ['q', '\x03']) {
    const terminal = await topOf(t, server)
    terminal.type(key)
    assert.equal(await terminal.ended(), 0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    const terminal = await topOf(t, server)
    process.kill(terminal.pid, signal)
    assert.equal(await terminal.ended(), 0)
  }
})

test('stopped, it gives the terminal back; told to go on, it takes it again', withTerminal, async (t) => {
  const { terminal } = await topOfAServer(t)
  const stops = [() => terminal.type('\x1a'), () => process.kill(terminal.pid, 'SIGTSTP')]
  for (const stop of stops) {
    stop()
    await terminal.until(() => terminal.isStopped && !terminal.modes.alternateScreen, 'it is stopped')
    assert.deepEqual(terminal.modes, { alternateScreen: false, cursor: true, wrap: true })
    const { frames } = terminal
    process.kill(terminal.pid, 'SIGCONT')
    await terminal.until(() => terminal.modes.alternateScreen && terminal.frames > frames, 'it draws again')
    assert.deepEqual(terminal.modes, { alternateScreen: true, cursor: false, wrap: false })
  }
  terminal.type('q')
  assert.equal(await terminal.ended(), 0)
})

test('it goes on over a reload, and tells of it', withTerminal, async (t) => {
  const { server, terminal } = await topOfAServer(t)
  await succeeds(t, server, 'reload')
  await terminal.until(() => /generation 2 .*reloaded: generation 2$/m.test(terminal.text), 'the reload is told')
})

test('it goes on over an upgrade, where the same words lead to the successor', withTerminal, async (t) => {
  const { server, terminal } = await topOfAServer(t)
  const old = server.pid
  server.signal('SIGUSR2')
  await terminal.until(() => terminal.text.includes(`has taken over from pid ${old}`), 'the upgrade is told')
  assert.notEqual(server.pid, old)
  assert.match(terminal.text, new RegExp(`, pid ${server.pid}: serving`))
})

test('when the server ends it says so', withTerminal, async (t) => {
  const { server, terminal } = await topOfAServer(t)
  const { pid } = server
  await succeeds(t, server, 'stop')
  await server.ended()
  assert.equal(await terminal.ended(), 0)
  assert.match(terminal.before, new RegExp(`^pid ${pid} has ended$`, 'm'))
})

test('while the server does not answer it says so, and keys are heard', withTerminal, async (t) => {
  const { server, terminal } = await topOfAServer(t)
  await freeze(server.pid)
  await terminal.until(() => /no answer for \d+s$/.test(terminal.lines[0]!), 'it is told')
  terminal.type('s')
  await terminal.until(() => terminal.lines.at(-1)!.endsWith('sort: slot'), 'it sorts')
  process.kill(server.pid, 'SIGCONT')
  await terminal.until(() => !terminal.text.includes('no answer'), 'it answers again')
  terminal.type('q')
  assert.equal(await terminal.ended(), 0)
})

test('a terminal that understands nothing gets plain lines', withTerminal, async (t) => {
  const server = await serverFor(t)
  const words = [process.execPath, PREFORK, 'top', '--interval', '0.1', '--control', controlOf(server)]
  const terminal = await startAtTerminal(t, words, { ...SIZE, env: { TERM: 'dumb' } })
  const drawn = () => [...terminal.before.matchAll(/^prefork [\d.]+, pid \d+: serving/gm)].length
  await terminal.until(() => drawn() >= 3, 'it is printed again and again')
  terminal.type('q')
  assert.equal(await terminal.ended(), 0)
  assert.equal(terminal.frames, 0)
})

test('without a terminal it names what to use instead', async (t) => {
  const server = await serverFor(t)
  const { code, stdout, stderr } = await tell(t, server, 'top')
  assert.deepEqual([code, stdout], [1, []])
  assert.deepEqual(stderr, [
    'prefork: prefork top draws on a terminal, and stdout is none. prefork status tells the same once; ' +
      'prefork status --json, for programs',
  ])
})

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { processState } from '../../test/support/processes.ts'
import { OperatorError } from '../config/operator-error.ts'
import { ParseFailure } from '../config/parse-failure.ts'
import { folderOf, type Script, startPretendServer, statusWith } from './pretend-server.test.support.ts'
import { type ControlCommandLine, runCommand } from './run.ts'

/** The command, said to a server that answers by the script: its exit code, and what it printed. */
async function run(t: TestContext, command: ControlCommandLine['command'], script: Script, json = false) {
  const path = join(folderOf(t), 'control')
  const { pid } = await startPretendServer(t, path, script)
  let printed = ''
  const print = (text: string) => {
    printed += text
  }
  const exitCode = runCommand(
    { command, json, control: path, pidFile: null, fault: null },
    { print, width: 80, directories: [] },
  )
  return { exitCode, printed, pid }
}

const begun = { type: 'begun', message: 'waiting for 2 workers', withinMs: 30_000 } as const
const failed = { type: 'failed', message: './app.ts does not load' } as const

test('reload is over when the new generation serves', async (t) => {
  const { exitCode, printed } = await run(t, 'reload', {
    reload: [begun, { type: 'done', message: 'generation 2 serves' }],
  })
  assert.equal(exitCode, 0)
  assert.equal(printed, 'waiting for 2 workers\ngeneration 2 serves\n')
})

test('reload that fails says why', (t) =>
  assert.rejects(run(t, 'reload', { reload: [begun, failed] }), { name: 'OperatorError', message: failed.message }))

test('a server that ends instead of reloading is no success', (t) =>
  assert.rejects(
    run(t, 'reload', { reload: [begun, { type: 'exit' }] }),
    /^OperatorError: pid \d+ ended before it was/,
  ))

for (const command of ['stop', 'quit'] as const) {
  test(`${command} is over when the process has ended`, async (t) => {
    const { exitCode, printed, pid } = await run(t, command, { [command]: [begun, { type: 'exit' }] })
    assert.equal(exitCode, 0)
    assert.equal(printed, `waiting for 2 workers\npid ${pid} has ended\n`)
    assert.ok([null, 'Z'].includes(processState(pid)?.state ?? null))
  })

  test(`a server that goes on after ${command} is no success`, async (t) => {
    await assert.rejects(run(t, command, { [command]: [failed] }), /^OperatorError: \.\/app\.ts does not load/)
    const done = { type: 'done', message: 'well' } as const
    await assert.rejects(run(t, command, { [command]: [done] }), /^OperatorError: pid \d+ did not end: well$/)
  })
}

test('status is a table, or the document itself', async (t) => {
  const status = statusWith('127.0.0.1:8080')
  const script: Script = { status: [{ type: 'status', status }] }
  const text = await run(t, 'status', script)
  assert.equal(text.exitCode, 0)
  assert.match(text.printed, /^prefork 1\.2\.3, pid 4241: serving.*\n.*\nlistens on 127\.0\.0\.1:8080, backlog 511\n/)
  const json = await run(t, 'status', script, true)
  assert.deepEqual(JSON.parse(json.printed), status)
  assert.match(json.printed, /\n$/)
})

test('a large status is told whole', async (t) => {
  const small = statusWith('127.0.0.1:8080')
  const status = { ...small, listeners: Array.from({ length: 1_000 }, () => small.listeners[0]!) }
  const { printed } = await run(t, 'status', { status: [{ type: 'status', status }] }, true)
  assert.deepEqual(JSON.parse(printed), status)
})

test('without a server it says so', () => {
  const world = { print: assert.fail, width: 80, directories: [] }
  const line = { command: 'stop', json: false, control: null, pidFile: null, fault: null } as const
  assert.throws(() => runCommand(line, world), /^OperatorError: no prefork of yours is running: .* --control PATH$/)
  const fault = new OperatorError('prefork.config.ts could not be loaded', {
    cause: new ParseFailure('/a.ts:3', '', 'no'),
  })
  assert.throws(
    () => runCommand({ ...line, fault }, world),
    /^OperatorError: no prefork .* PATH\nwarning: prefork\.config\.ts could not be loaded: SyntaxError: no \(\/a\.ts:3\)$/,
  )
})

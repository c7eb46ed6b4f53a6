import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { childrenOf, processState } from '../support/processes.ts'
import { type Program, startProgram, waitUntil } from '../support/program.ts'
import { connectTo, portIn, readToEnd } from './lesson.ts'

/** scripts/seed.mjs is not compiled: it lies beside dist/. */
const script = join(import.meta.dirname, '../../../scripts/seed.mjs')

function seed(t: TestContext, ...args: string[]): Program {
  return startProgram(t, [script, ...args])
}

test('seed lists the programs, each with what it shows', async (t) => {
  const program = seed(t)
  assert.deepEqual(await program.finished, { code: 0, signal: null })
  const rows = program.stdout.filter((line) => /^ {2}0\d-/.test(line))
  assert.equal(rows.length, 8)
  for (const row of rows) assert.match(row, /^ {2}0\d-[a-z-]+ {2,}\S+ \S+/)
})

test('seed runs a program by its number, with the flags it needs', async (t) => {
  const program = seed(t, '04', '0', '0')
  const client = await connectTo(t, portIn(await program.waitForLine('Server: Listening on port')))
  assert.match((await readToEnd(client)).toString(), /Hello, world!$/)
})

test('seed runs a program by its name and passes its exit code on', async (t) => {
  const program = seed(t, '01-socket-bind.ts', '0')
  assert.deepEqual(await program.finished, { code: 0, signal: null })
  assert.match(program.stdout[1]!, /^Socket bound to/)
})

test('seed passes Ctrl-C on, and ends with the program', async (t) => {
  const program = seed(t, '5', '0')
  await program.waitForLine('Server listening on')
  const [child] = childrenOf(program.pid)
  program.kill('SIGINT')
  assert.deepEqual(await program.finished, { code: 128 + 2, signal: null })
  await waitUntil(() => [undefined, 'Z'].includes(processState(child!.pid)?.state), 'the program has ended')
})

for (const [args, sentence] of [
  [['9'], /^There is no program "9"\. They are: 01-socket-bind, /],
  [['05', '65536'], /^The port is a number from 0 to 65535, not "65536"\.$/],
  [['05', 'x'], /^The port is a number from 0 to 65535, not "x"\.$/],
] as const) {
  test(`seed ${args.join(' ')} is answered with one sentence`, async (t) => {
    const program = seed(t, ...args)
    assert.deepEqual(await program.finished, { code: 1, signal: null })
    assert.equal(program.stderr.length, 1)
    assert.match(program.stderr[0]!, sentence)
  })
}

/** npm start, as a person in a terminal uses it: all its processes in one group, which Ctrl-C signals. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Program, startProgram, waitUntil } from '../support/program.ts'

const root = process.cwd()

/** setsid becomes npm, with a process group of its own. */
function npmStart(t: TestContext, cwd: string, ...args: string[]): Program {
  const program = startProgram(t, ['npm', '--prefix', root, 'start', '--', ...args], { command: 'setsid', cwd })
  t.after(() => {
    if (isGroupAlive(program.pid)) process.kill(-program.pid, 'SIGKILL')
  })
  return program
}

async function pressCtrlC(program: Program): Promise<void> {
  process.kill(-program.pid, 'SIGINT')
  await groupEnds(program)
}

function groupEnds(program: Program): Promise<void> {
  return waitUntil(() => !isGroupAlive(program.pid), 'every process of npm start has ended')
}

function isGroupAlive(pgid: number): boolean {
  try {
    process.kill(-pgid, 0)
    return true
  } catch {
    return false
  }
}

/** The first line of ours, and the address in it. */
async function urlOf(program: Program): Promise<string> {
  const line = await program.waitForLine('Server listening on ')
  const ours = program.stdout.filter((text) => text !== '' && !text.startsWith('>'))
  assert.equal(ours[0], line, 'nothing else is printed before it')
  return line.replace('Server listening on ', 'http://')
}

test('npm start serves the example site, and Ctrl-C ends every process', async (t) => {
  const program = npmStart(t, root, '--port', '0', '--workers', '2')
  const response = await fetch(await urlOf(program))
  assert.equal(response.status, 200)
  assert.match(await response.text(), /<title>/)
  await pressCtrlC(program)
})

test('npm start -- passes arguments on, a path from where npm was called, and SIGTERM', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-start-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'some/dir'), { recursive: true })
  writeFileSync(join(folder, 'some/dir/a.txt'), 'a file of mine')
  const program = npmStart(t, folder, '--port', '0', '--workers', '1', './some/dir')
  const response = await fetch(`${await urlOf(program)}/a.txt`)
  assert.equal(await response.text(), 'a file of mine')
  program.kill('SIGTERM') // to npm alone, as a service manager does
  await groupEnds(program)
})

test('npm start leaves the target to a configuration file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-start-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'app.mjs'), "export default () => new Response('an app of mine')")
  writeFileSync(join(folder, 'prefork.config.mjs'), "export default { target: './app.mjs', port: 0, workers: 1 }")
  const program = npmStart(t, folder)
  assert.equal(await (await fetch(await urlOf(program))).text(), 'an app of mine')
  await pressCtrlC(program)
})

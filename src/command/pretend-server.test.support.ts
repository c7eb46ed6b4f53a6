/**
 * A program that stands in for a supervisor: it listens on a control socket and
 * answers by a script.
 *
 *     node pretend-server.test.support.js PATH '{"reload":[{"type":"done","message":"…"}]}'
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Program, startProgram } from '../../test/support/program.ts'
import type { ControlAnswer, ControlRequest } from '../control/protocol.ts'
import { NO_TOTALS } from '../control/tree-status.test.support.ts'
import type { TreeStatus } from '../control/tree-status.ts'
import { EpollWatcher } from '../supervisor/control.test.support.ts'
import { ControlServer } from '../supervisor/control-server.ts'

/** What is said to a request, one after the other; `exit` ends the process. */
export type Script = Partial<Record<ControlRequest['type'], readonly (ControlAnswer | { readonly type: 'exit' })[]>>

const FILE = fileURLToPath(import.meta.url)

/** Started, and listening at the path. */
export async function startPretendServer(t: TestContext, path: string, script: Script): Promise<Program> {
  const program = startProgram(t, [FILE, path, JSON.stringify(script)])
  await program.waitForLine('listening')
  return program
}

export function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-command-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

export function statusWith(address: string): TreeStatus {
  return {
    pid: 4241,
    version: '1.2.3',
    uptimeMs: 1_000,
    phase: 'serving',
    generation: 1,
    model: 'event',
    accept: 'shared',
    listeners: [
      { address, isSecure: false, backlogAsked: 511, backlogInEffect: 511, acceptQueues: [], synQueue: null },
    ],
    startedAs: { words: [], folder: '/srv', configFile: null, uid: 0 },
    admin: null,
    network: null,
    histograms: null,
    workers: [],
    totals: NO_TOTALS,
  }
}

function serve(path: string, script: Script): never {
  const watcher = new EpollWatcher()
  new ControlServer(path, watcher, ({ type }, reply) => {
    for (const step of script[type] ?? []) {
      if (step.type === 'exit') process.exit(0)
      reply(step)
    }
  })
  process.stdout.write('listening\n')
  for (;;) watcher.turn(FOREVER)
}

const FOREVER = -1

if (process.argv[1] === FILE) serve(process.argv[2]!, JSON.parse(process.argv[3]!) as Script)

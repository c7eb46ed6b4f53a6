/**
 * What is said to a server under test while it runs: `prefork reload`, `stop`,
 * `quit`, `status`. Its control socket lies in its own folder, so that servers of
 * other tests are not met.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { TreeStatus, WorkerStatus } from '../../src/control/tree-status.ts'
import { waitUntil } from './program.ts'
import { type Outcome, runPrefork, type Server } from './server.ts'

/** Beside the arguments of a server that is to hear commands. */
export const CONTROLLED = ['--control', 'control.sock'] as const

/** The command, run to its end. */
export function tell(t: TestContext, server: Server, ...words: readonly string[]): Promise<Outcome> {
  return runPrefork(t, { args: [...words, '--control', controlOf(server)], cwd: server.cwd })
}

export function controlOf(server: Server): string {
  return join(server.cwd, 'control.sock')
}

/** The command has done what it was told, and said so. */
export async function succeeds(t: TestContext, server: Server, ...words: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await tell(t, server, ...words)
  assert.deepEqual(stderr, [])
  assert.equal(code, 0)
  return stdout
}

export async function statusOf(t: TestContext, server: Server): Promise<TreeStatus> {
  return JSON.parse((await succeeds(t, server, 'status', '--json')).join('\n')) as TreeStatus
}

/** The tree, once it is as wanted: a worker writes its row of the scoreboard a moment after its client has the answer. */
export async function statusWhen(
  t: TestContext,
  server: Server,
  holds: (status: TreeStatus) => boolean,
): Promise<TreeStatus> {
  let status: TreeStatus | null = null
  await waitUntil(async () => {
    status = await statusOf(t, server)
    return holds(status)
  }, `the status is as wanted`)
  return status!
}

/** How many workers are in each state. */
export function statesOf(workers: readonly WorkerStatus[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { state } of workers) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

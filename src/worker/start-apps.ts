/**
 * The apps' `workerStart`, before a worker takes its first connection, and their
 * `workerStop`, when it ends: one after the other, as they were loaded, and the
 * other way about. An app that has started is stopped, also where another then
 * failed to.
 */
import { summarize } from '../config/operator-error.ts'
import type { WorkerContext } from '../handlers/app/contract.ts'
import type { LoadedApp } from '../handlers/app/load-app.ts'
import type { Log } from '../log.ts'
import { IN_WORKER_START, type Row } from '../scoreboard.ts'
import type { Stopper } from './stopper.ts'
import type { Birth, WorkerParts } from './worker.ts'

/** False when a workerStart failed: without the database it was to open there, no request would be answered well. */
export async function startApps(
  { apps, generation, log }: WorkerParts,
  { slot, line, connection }: Birth,
  row: Row,
  stopper: Stopper,
): Promise<boolean> {
  if (apps.some(({ hooks }) => hooks.workerStart !== undefined)) row.phase = IN_WORKER_START
  const context = { slot, generation, pid: process.pid }
  const started: LoadedApp[] = []
  for (const app of apps) {
    const whose = apps.length === 1 ? "the app's workerStart" : `workerStart of the app ${app.file}`
    try {
      await app.hooks.workerStart?.(context)
    } catch (error) {
      log.errorWithStack(`${whose} failed; this worker ends`, error)
      const why = `${whose} failed: ${summarize(error)}`
      if (connection === null) line.send({ type: 'failed', pid: process.pid, why })
      return false
    }
    started.unshift(app)
    if (app.hooks.workerStop !== undefined) stopper.workerStop = () => stopApps([...started], context, log)
  }
  return true
}

/** `apps` in the order in which they are to stop. */
async function stopApps(apps: readonly LoadedApp[], context: WorkerContext, log: Log): Promise<void> {
  for (const { file, hooks } of apps) {
    const whose = apps.length === 1 ? "the app's workerStop" : `workerStop of the app ${file}`
    try {
      await hooks.workerStop?.(context)
    } catch (error) {
      log.errorWithStack(`${whose} failed`, error)
    }
  }
}

/**
 * What has happened between two documents that somebody should hear of: a reload,
 * another server, a worker that has gone. Pure.
 */
import type { PageDocument, WorkerRow } from './document.ts'

export function happenedBetween(before: PageDocument | null, now: PageDocument): string[] {
  if (before === null) return []
  if (before.pid !== now.pid)
    return [`Another server answers: prefork ${now.version}, pid ${now.pid}, in place of pid ${before.pid}.`]
  return [...phases(before, now), ...generations(before, now), ...replacements(before, now)]
}

function phases({ phase: before }: PageDocument, { phase }: PageDocument): string[] {
  return before === phase ? [] : [`The server is ${phase}.`]
}

function generations({ generation: before }: PageDocument, { generation }: PageDocument): string[] {
  return before === generation ? [] : [`Generation ${generation} serves in place of ${before}.`]
}

/** Only where workers are there to stay: a pool makes and ends them as it needs. */
function replacements(before: PageDocument, { workers, model, generation }: PageDocument): string[] {
  if (model !== 'event') return []
  const living = new Set(workers.map(({ pid }) => pid))
  const gone = before.workers.filter(
    (it) => it.generation === generation && it.state !== 'draining' && !living.has(it.pid),
  )
  return gone.slice(0, 3).map((it) => `Worker ${it.slot} (pid ${it.pid}) has gone${successor(it, workers)}.`)
}

function successor({ slot, pid, generation }: WorkerRow, workers: readonly WorkerRow[]): string {
  const next = workers.find((it) => it.slot === slot && it.generation === generation && it.pid !== pid)
  return next === undefined ? '; its slot is empty' : `; pid ${next.pid} has its slot`
}

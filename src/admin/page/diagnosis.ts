/**
 * What is wrong, in sentences that somebody can act on who is on call: of one
 * document, and of what has been dropped while the page looked. Thresholds are
 * those of `prefork top` and of the alerts in docs/metrics.md. Pure.
 */
import type { ListenerRow, PageDocument, WorkerRow } from './document.ts'
import { count, duration, many } from './units.ts'

export interface Finding {
  /** The same as long as it is the same finding, whatever its numbers. */
  readonly key: string
  /** `bad`: clients notice. `warn`: they are about to, or a part of the server does not work. `note`: worth knowing. */
  readonly severity: 'bad' | 'warn' | 'note' | 'fine'
  /** What is seen. */
  readonly what: string
  /** Why, and what to do. */
  readonly why: string
}

/** From here on a queue is nearly full. */
const NEARLY_FULL = 0.8
/** A worker that has a request and has begun nothing new for so long is stuck. */
const STUCK_MS = 60_000
/** Workers that have taken nothing for so long, while somebody waits, do not take anything. */
const IDLE_WHILE_FULL_MS = 1_000

export function fullnessOf(length: number, limit: number): 'full' | 'nearly full' | '' {
  if (length >= limit) return 'full'
  return length >= NEARLY_FULL * limit ? 'nearly full' : ''
}

/** How many handshakes may be half-open at an address: at each of its sockets as many as may wait to be accepted. */
export function synLimitOf({ backlogInEffect, acceptQueues }: ListenerRow): number {
  return backlogInEffect * Math.max(1, acceptQueues.length)
}

/** `newDrops`: SYNs and ACKs dropped in the last minute, as far as the page has looked. The worst first. */
export function findingsOf(document: PageDocument, newDrops: number): Finding[] {
  const found = [
    ...phaseFindings(document),
    ...document.listeners.flatMap((listener) => queueFindings(listener, document, newDrops)),
    ...dropFindings(document, newDrops),
    ...workerFindings(document.workers),
  ]
  return found.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
}

const ORDER: readonly Finding['severity'][] = ['bad', 'warn', 'note', 'fine']

const PHASES: Readonly<Partial<Record<PageDocument['phase'], readonly [Finding['severity'], string, string]>>> = {
  starting: ['warn', 'The server is starting.', 'No worker has been ready yet: clients wait in the accept queue.'],
  reloading: ['note', 'A reload is under way.', 'The old generation serves until the next one is ready.'],
  draining: ['warn', 'The server is draining.', 'It was told to end when its work is done, and takes nobody new.'],
  stopping: ['warn', 'The server is stopping.', 'It was told to end at once.'],
}

function phaseFindings({ phase }: PageDocument): Finding[] {
  const told = PHASES[phase]
  return told === undefined ? [] : [{ key: 'phase', severity: told[0], what: told[1], why: told[2] }]
}

function queueFindings(listener: ListenerRow, document: PageDocument, newDrops: number): Finding[] {
  const { address, acceptQueues, synQueue } = listener
  const findings: Finding[] = []
  const [length, limit] = longestOf(listener)
  const fullness = acceptQueues.length === 0 ? '' : fullnessOf(length, limit)
  const full = `the accept queue of ${address} is ${fullness} (${count(length)} of ${count(limit)})`
  const why = reasonOf(document)
  if (fullness === 'full') {
    const drops = newDrops === 0 ? '' : `; ${many(newDrops, 'handshake packet')} dropped in the last minute`
    findings.push({ key: `full ${address}`, severity: 'bad', what: `Clients wait: ${full}${drops}.`, why })
  } else if (fullness === 'nearly full') {
    findings.push({ key: `full ${address}`, severity: 'warn', what: `Clients wait: ${full}.`, why })
  } else {
    findings.push(...peakFindings(listener))
  }
  if (synQueue !== null && synQueue > 1 && fullnessOf(synQueue, synLimitOf(listener)) !== '')
    findings.push({
      key: `syn ${address}`,
      severity: 'warn',
      what: `${many(synQueue, 'handshake')} to ${address} are half-open, of ${count(synLimitOf(listener))} that may be.`,
      why: 'Their SYN/ACKs or ACKs get lost on the way, or somebody floods it with SYNs.',
    })
  return findings
}

/** Of several sockets at an address, the one that overflows first. */
function longestOf({ acceptQueues }: ListenerRow): readonly [length: number, limit: number] {
  const longest = acceptQueues.reduce((most, queue) => (queue.length > most.length ? queue : most), {
    length: 0,
    limit: acceptQueues[0]?.limit ?? 0,
  })
  return [longest.length, longest.limit]
}

function peakFindings({ address, acceptQueues }: ListenerRow): Finding[] {
  const worst = acceptQueues.find(({ peak, limit }) => peak !== null && peak > 0 && fullnessOf(peak, limit) === 'full')
  if (worst === undefined) return []
  const what = `The accept queue of ${address} was full in the last minute (${count(worst.peak!)} of ${count(worst.limit)}).`
  return [
    {
      key: `peak ${address}`,
      severity: 'warn',
      what,
      why: 'A burst came faster than workers took it: raise --backlog, or add --workers.',
    },
  ]
}

/** Why nobody takes those who wait, as far as the scoreboard tells. */
function reasonOf({ workers, generation, model }: PageDocument): string {
  const serving = workers.filter((worker) => worker.generation === generation && worker.state !== 'draining')
  const all = serving.length === 1 ? 'The only worker' : `All ${serving.length} workers`
  const [are, have, they] = serving.length === 1 ? ['is', 'has', 'it'] : ['are', 'have', 'they']
  if (serving.length === 0) return 'There is no worker to take them: the log says why none could be started.'
  const idleMs = Math.min(...serving.map((worker) => worker.idleMs))
  const since = idleMs < IDLE_WHILE_FULL_MS ? '' : ` and ${have} begun nothing new for ${duration(idleMs)}`
  const busy = serving.filter(({ state }) => state === 'busy')
  if (busy.length === serving.length) {
    const remedy = idleMs >= STUCK_MS ? `look what ${they} wait${serving.length === 1 ? 's' : ''} for` : 'add --workers'
    return `${all} ${are} answering requests${since}: ${remedy}, or answer faster.`
  }
  if (idleMs >= IDLE_WHILE_FULL_MS && model !== 'fork')
    return `${all} ${have} taken nothing for ${duration(idleMs)}, though not busy: stopped (SIGSTOP, a debugger), or stuck in code that never returns to the event loop.`
  return 'Connections come faster than workers take them: add --workers, or answer faster.'
}

function dropFindings({ network, listeners }: PageDocument, newDrops: number): Finding[] {
  if (network === null) return []
  const { listenDrops, acceptQueueOverflows } = network.sinceStart
  const isTold = listeners.some((listener) => fullnessOf(...longestOf(listener)) === 'full')
  if (newDrops > 0 && !isTold)
    return [
      {
        key: 'drops',
        severity: 'bad',
        what: `${many(newDrops, 'handshake packet')} dropped in the last minute: those clients wait a second and more.`,
        why: 'By a listener of this network namespace; it may be another server’s.',
      },
    ]
  if (listenDrops === 0 || newDrops > 0) return []
  const full = acceptQueueOverflows === 0 ? '' : `, ${count(acceptQueueOverflows)} by a full accept queue`
  return [
    {
      key: 'drops',
      severity: 'note',
      what: `${many(listenDrops, 'handshake packet')} dropped since the start${full}.`,
      why: 'Counted for the whole network namespace; none in the last minute that this page has seen.',
    },
  ]
}

function workerFindings(workers: readonly WorkerRow[]): Finding[] {
  return workers
    .filter(({ active, idleMs }) => active > 0 && idleMs > STUCK_MS)
    .slice(0, 3)
    .map(({ slot, pid, active, idleMs }) => ({
      key: `stuck ${pid}`,
      severity: 'warn' as const,
      what: `Worker ${slot} (pid ${pid}) has ${many(active, 'request')} and has begun nothing new for ${duration(idleMs)}.`,
      why: 'It may be stuck: a story below, or an inspector, tells where.',
    }))
}

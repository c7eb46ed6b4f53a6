/**
 * The metrics: what Prometheus is told, made of a status document. docs/metrics.md
 * tells what each means, and a test compares the two.
 *
 * Names and units are Prometheus' own conventions
 * (https://prometheus.io/docs/practices/naming/). Counters are of the tree's whole
 * life: they go on when a worker dies, and begin anew with another supervisor.
 */
import type {
  HandshakesStatus,
  ListenerStatus,
  NetworkStatus,
  TreeStatus,
  WorkerState,
  WorkerStatus,
} from '../control/tree-status.ts'
import type { Histogram } from '../histograms.ts'
import { expositionOf, type Family, histogramSamples, type Sample } from './exposition.ts'

export function metricsText(status: TreeStatus): string {
  return expositionOf([
    ...tree(status),
    ...totals(status),
    ...handshakes(status.totals.handshakes),
    ...listeners(status.listeners),
    ...network(status.network),
    ...histograms(status.histograms),
    ...workers(status.workers),
  ])
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name: `prefork_${name}`, type: 'gauge', help, samples }
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name: `prefork_${name}_total`, type: 'counter', help, samples }
}

function one(value: number): Sample[] {
  return [{ value }]
}

/** Nothing where it could not be read. */
function known(value: number | null): Sample[] {
  return value === null ? [] : one(value)
}

const PHASES: readonly TreeStatus['phase'][] = ['starting', 'serving', 'reloading', 'draining', 'stopping']

function tree({ version, model, accept, uptimeMs, generation, phase }: TreeStatus): Family[] {
  const phases = PHASES.map((it) => ({ labels: { phase: it }, value: Number(it === phase) }))
  return [
    gauge('build_info', 'Always 1; the labels tell which prefork this is, and how it works.', [
      { labels: { version, model, accept }, value: 1 },
    ]),
    gauge('uptime_seconds', 'Since the supervisor was started.', one(uptimeMs / 1000)),
    gauge('generation', 'Of the workers that serve: 1 at first, one more with each reload.', one(generation)),
    gauge('phase', '1 for the phase that the server is in, 0 for the others.', phases),
  ]
}

function totals({ totals: { requests, accepted, bytesSent, connections, active, pssBytes } }: TreeStatus): Family[] {
  return [
    counter('requests', 'Requests begun to answer, refused ones included.', one(requests)),
    counter('connections_accepted', 'Connections taken off the accept queues.', one(accepted)),
    counter('sent_bytes', 'Bytes that the kernel has taken for clients: heads, bodies, framing.', one(bytesSent)),
    gauge('connections', 'Connections held now.', one(connections)),
    gauge('requests_in_flight', 'Requests being answered now.', one(active)),
    gauge('workers_memory_pss_bytes', 'Memory of all workers, shared pages divided by their sharers.', known(pssBytes)),
  ]
}

/** Nothing where no listener speaks TLS. */
function handshakes(counts: HandshakesStatus | null): Family[] {
  if (counts === null) return []
  const samples = Object.entries(counts).map(([result, value]) => ({ labels: { result }, value }))
  return [counter('tls_handshakes', 'TLS handshakes, by what became of them.', samples)]
}

function listeners(all: readonly ListenerStatus[]): Family[] {
  const sockets = all.flatMap(({ address, acceptQueues }) =>
    acceptQueues.map((queue, socket) => ({ labels: { listener: address, socket }, queue })),
  )
  const lengths = sockets.map(({ labels, queue }) => ({ labels, value: queue.length }))
  const limits = sockets.map(({ labels, queue }) => ({ labels, value: queue.limit }))
  const peaks = sockets.flatMap(({ labels, queue: { peak } }) => (peak === null ? [] : [{ labels, value: peak }]))
  const halfOpen = all.flatMap(({ address, synQueue }) =>
    synQueue === null ? [] : [{ labels: { listener: address }, value: synQueue }],
  )
  return [
    gauge('accept_queue_length', 'Connections whose handshake is finished and that nobody has accepted yet.', lengths),
    gauge('accept_queue_limit', 'How many may wait there; the kernel lets in one more, and then drops.', limits),
    gauge('accept_queue_peak_length', 'The longest in the last minute, of twenty looks a second.', peaks),
    gauge('syn_queue_length', 'Handshakes that have begun and are not finished.', halfOpen),
  ]
}

/** Counted by the kernel, for a whole network namespace. */
function network(status: NetworkStatus | null): Family[] {
  if (status === null) return []
  const now = status.sinceBoot
  return [
    counter('tcp_listen_overflows', 'SYNs and ACKs dropped by a full accept queue.', one(now.acceptQueueOverflows)),
    counter('tcp_listen_drops', 'SYNs and ACKs that listeners have dropped, for any reason.', one(now.listenDrops)),
    counter('tcp_syn_cookies_sent', 'SYNs answered with a cookie, by a full SYN queue.', one(now.synCookiesSent)),
    counter('tcp_syn_cookies_received', 'Handshakes that a cookie has finished.', one(now.synCookiesReceived)),
    counter('tcp_syn_cookies_failed', 'ACKs whose cookie was none of ours.', one(now.synCookiesFailed)),
    counter('tcp_syn_queue_drops', 'SYNs dropped by a full SYN queue, cookies being off.', one(now.synQueueFullDrops)),
  ]
}

function histograms(status: TreeStatus['histograms']): Family[] {
  if (status === null) return []
  const family = (name: string, help: string, { bounds, counts, sum }: Histogram): Family => ({
    name: `prefork_${name}_seconds`,
    type: 'histogram',
    help,
    samples: histogramSamples(bounds, counts, sum),
  })
  return [
    family('request_duration', "From a request's whole head to the last byte of its response.", status.requestSeconds),
    family('accept_queue_wait', 'From the end of a handshake to its accept.', status.acceptQueueSeconds),
    family('handshake_rtt', "From our SYN/ACK to the client's ACK.", status.handshakeRttSeconds),
  ]
}

const STATES: readonly WorkerState[] = ['starting', 'waiting', 'busy', 'keepalive', 'draining']

function workers(all: readonly WorkerStatus[]): Family[] {
  const states = STATES.map((state) => ({
    labels: { state },
    value: all.filter((worker) => worker.state === state).length,
  }))
  const each = (tell: (worker: WorkerStatus) => number | null): Sample[] =>
    all.flatMap((worker) => {
      const value = tell(worker)
      const { slot, generation, pid } = worker
      return value === null ? [] : [{ labels: { slot, generation, pid }, value }]
    })
  return [
    gauge('workers', 'Workers in each state.', states),
    gauge(
      'worker_connections',
      'Connections that a worker holds.',
      each(({ connections }) => connections),
    ),
    gauge(
      'worker_requests_in_flight',
      'Requests that a worker is answering.',
      each(({ active }) => active),
    ),
    gauge(
      'worker_age_seconds',
      'Since a worker was born.',
      each(({ ageMs }) => ageMs / 1000),
    ),
    gauge(
      'worker_idle_seconds',
      'Since a worker took a connection or a request.',
      each(({ idleMs }) => idleMs / 1000),
    ),
    gauge(
      'worker_memory_pss_bytes',
      "A worker's share of memory.",
      each(({ pssBytes }) => pssBytes),
    ),
    counter(
      'worker_cpu_seconds',
      'Time a worker was given by a processor.',
      each(({ usage }) => (usage === null ? null : usage.cpuMs / 1000)),
    ),
    counter(
      'worker_minor_page_faults',
      'Pages a worker touched that were mapped from memory.',
      each(({ usage }) => usage?.minorFaults ?? null),
    ),
    counter(
      'worker_major_page_faults',
      'Pages a worker touched that were read from a disk.',
      each(({ usage }) => usage?.majorFaults ?? null),
    ),
  ]
}

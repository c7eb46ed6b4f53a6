import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { TreeStatus, WorkerStatus } from '../control/tree-status.ts'
import { metricsText } from './metrics.ts'

const worker: WorkerStatus = {
  slot: 1,
  pid: 4242,
  generation: 3,
  state: 'busy',
  connections: 7,
  active: 2,
  requests: 100,
  accepted: 50,
  bytesSent: 12_345,
  handshakes: null,
  ageMs: 61_500,
  idleMs: 20,
  pssBytes: 35_000_000,
  usage: { cpuMs: 7_300, minorFaults: 1_234, majorFaults: 5 },
}

const counters = {
  acceptQueueOverflows: 1,
  listenDrops: 2,
  synCookiesSent: 3,
  synCookiesReceived: 4,
  synCookiesFailed: 5,
  synQueueFullDrops: 6,
}

const status: TreeStatus = {
  pid: 4241,
  version: '1.2.3',
  uptimeMs: 90_250,
  phase: 'reloading',
  generation: 3,
  model: 'event',
  accept: 'reuseport',
  listeners: [
    {
      address: '127.0.0.1:8080',
      isSecure: false,
      backlogAsked: 511,
      backlogInEffect: 511,
      acceptQueues: [
        { length: 0, limit: 511, peak: null },
        { length: 12, limit: 511, peak: 300 },
      ],
      synQueue: 9,
    },
    {
      address: 'unix:/run/a.sock',
      isSecure: false,
      backlogAsked: 511,
      backlogInEffect: 511,
      acceptQueues: [],
      synQueue: null,
    },
  ],
  startedAs: { words: [], folder: '/srv', configFile: null, uid: 0 },
  admin: null,
  network: { sinceStart: { ...counters, listenDrops: 0 }, sinceBoot: counters },
  histograms: {
    requestSeconds: { bounds: [0.001, 1], counts: [7, 2, 1], sum: 12.5 },
    acceptQueueSeconds: { bounds: [0.5], counts: [3, 0], sum: 0.25 },
    handshakeRttSeconds: { bounds: [0.0001], counts: [0, 0], sum: 0 },
  },
  workers: [worker, { ...worker, slot: 2, pid: 4243, state: 'waiting', pssBytes: null }],
  totals: {
    workers: 2,
    connections: 14,
    active: 4,
    requests: 1_000_000,
    accepted: 500,
    bytesSent: 2 ** 40,
    handshakes: { full: 60, resumed: 340, failed: 7 },
    pssBytes: null,
  },
}

test('a status as Prometheus reads it', () => {
  const lines = metricsText(status).split('\n')
  for (const line of [
    'prefork_build_info{version="1.2.3",model="event",accept="reuseport"} 1',
    'prefork_uptime_seconds 90.25',
    'prefork_generation 3',
    'prefork_phase{phase="serving"} 0',
    'prefork_phase{phase="reloading"} 1',
    'prefork_requests_total 1000000',
    'prefork_connections_accepted_total 500',
    'prefork_sent_bytes_total 1099511627776',
    'prefork_tls_handshakes_total{result="full"} 60',
    'prefork_tls_handshakes_total{result="resumed"} 340',
    'prefork_tls_handshakes_total{result="failed"} 7',
    'prefork_connections 14',
    'prefork_requests_in_flight 4',
    'prefork_accept_queue_length{listener="127.0.0.1:8080",socket="1"} 12',
    'prefork_accept_queue_limit{listener="127.0.0.1:8080",socket="0"} 511',
    'prefork_accept_queue_peak_length{listener="127.0.0.1:8080",socket="1"} 300',
    'prefork_syn_queue_length{listener="127.0.0.1:8080"} 9',
    'prefork_tcp_listen_overflows_total 1',
    'prefork_tcp_listen_drops_total 2',
    'prefork_tcp_syn_cookies_sent_total 3',
    'prefork_tcp_syn_cookies_received_total 4',
    'prefork_tcp_syn_cookies_failed_total 5',
    'prefork_tcp_syn_queue_drops_total 6',
    'prefork_request_duration_seconds_bucket{le="0.001"} 7',
    'prefork_request_duration_seconds_bucket{le="1"} 9',
    'prefork_request_duration_seconds_bucket{le="+Inf"} 10',
    'prefork_request_duration_seconds_sum 12.5',
    'prefork_request_duration_seconds_count 10',
    'prefork_accept_queue_wait_seconds_bucket{le="+Inf"} 3',
    'prefork_handshake_rtt_seconds_count 0',
    'prefork_workers{state="busy"} 1',
    'prefork_workers{state="draining"} 0',
    'prefork_worker_connections{slot="1",generation="3",pid="4242"} 7',
    'prefork_worker_requests_in_flight{slot="1",generation="3",pid="4242"} 2',
    'prefork_worker_age_seconds{slot="1",generation="3",pid="4242"} 61.5',
    'prefork_worker_idle_seconds{slot="1",generation="3",pid="4242"} 0.02',
    'prefork_worker_memory_pss_bytes{slot="1",generation="3",pid="4242"} 35000000',
  ])
    assert.ok(lines.includes(line), line)
})

test('what could not be read is not there, rather than 0', () => {
  const totals = { ...status.totals, handshakes: null }
  const text = metricsText({ ...status, network: null, histograms: null, totals })
  assert.doesNotMatch(text, /unix:|prefork_tcp|prefork_tls|_bucket|prefork_workers_memory|memory_pss_bytes\{slot="2"/)
})

test('docs/metrics.md tells of each, and of no other', () => {
  const whole = { ...status, totals: { ...status.totals, pssBytes: 1 } }
  const families = metricsText(whole).matchAll(/^# TYPE (\S+) (\S+)$/gm)
  const ours = [...families].map(([, name, type]) => `${name} ${type}`).sort()
  const page = readFileSync('docs/metrics.md', 'utf8')
  const told = [...page.matchAll(/^\| `(prefork_\w+)`.*? \| (counter|gauge|histogram) \|/gm)]
  assert.deepEqual(told.map(([, name, type]) => `${name} ${type}`).sort(), ours)
})

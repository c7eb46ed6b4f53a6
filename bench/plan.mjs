/**
 * What is measured: groups of servers that are compared with each other, under
 * the same loads. No code.
 */
import { fileURLToPath } from 'node:url'

const APP = fileURLToPath(new URL('app.mjs', import.meta.url))
const BLOCKING_APP = fileURLToPath(new URL('blocking-app.mjs', import.meta.url))

/** So many clients, of whom each keeps its connection, or opens one for each request. */
const KEPT_64 = { name: '64, kept', connections: 64, isKeepAlive: true }
const KEPT_1000 = { name: '1,000, kept', connections: 1000, isKeepAlive: true }
const ONCE_64 = { name: '64, one a request', connections: 64, isKeepAlive: false }
const ONCE_1000 = { name: '1,000, one a request', connections: 1000, isKeepAlive: false }
const LOADS = [KEPT_64, KEPT_1000, ONCE_64, ONCE_1000]

const STRATEGIES = ['shared', 'reuseport', 'parent'].map((name) => ({ name, args: ['--accept', name] }))

const MODELS = [
  { name: 'event', args: ['--model', 'event', '--workers', '2'] },
  { name: 'prefork', args: ['--model', 'prefork'] },
  { name: 'fork', args: ['--model', 'fork'] },
]

const ALL_OF_A_STRATEGY = [
  'load',
  'variant',
  'requestsPerSecond',
  'cpuUs',
  'p50Ms',
  'p99Ms',
  'acceptedEvenness',
  'requestsEvenness',
  'failures',
]

/** `args`: what the servers of a group have in common; `columns`: of the table that tells of them. */
export const GROUPS = [
  { name: 'hello', args: ['--workers', '2'], variants: STRATEGIES, loads: LOADS, columns: ALL_OF_A_STRATEGY },
  {
    name: 'app',
    args: [APP, '--workers', '2'],
    variants: STRATEGIES,
    loads: [KEPT_64, KEPT_1000, ONCE_64],
    columns: ALL_OF_A_STRATEGY,
  },
  { name: 'four-workers', args: ['--workers', '4'], variants: STRATEGIES, loads: LOADS, columns: ALL_OF_A_STRATEGY },
  {
    name: 'blocking',
    args: [BLOCKING_APP, '--workers', '4'],
    variants: STRATEGIES,
    loads: [ONCE_64],
    columns: ALL_OF_A_STRATEGY,
  },
  {
    name: 'models',
    args: [],
    variants: MODELS,
    loads: [ONCE_64],
    columns: ['model', 'requestsPerSecond', 'cpuUs', 'p50Ms', 'p99Ms', 'privateBytes', 'failures'],
  },
]

/**
 * A story as the rungs of a ladder: where each step's arrow begins and ends, how
 * long nothing happened before it, and in whose hands the connection was meanwhile.
 * Time flows down; a long wait is drawn a little longer than a short one, and says
 * how long it was. Pure.
 */
import type { Step, StepKind, WholeStory } from '../../trace/story.ts'

/** The three lines that time flows along. */
export type Lane = 'client' | 'kernel' | 'worker'
/** In whose hands the connection is: the SYN queue's, the accept queue's, a worker's. */
export type Holder = 'nobody' | 'syn-queue' | 'accept-queue' | 'worker'

export interface Rung {
  readonly step: Step
  /** Since the first step. */
  readonly offsetMs: number
  /** Since the step before. */
  readonly gapMs: number
  /** What it was doing in the gap; '' where the gap is nothing to speak of. */
  readonly gapText: string
  /** How tall the gap is drawn: 0 to 1. */
  readonly gapSize: number
  readonly from: Lane
  /** The same as `from` for what happens in one place. */
  readonly to: Lane
  readonly before: Holder
  readonly after: Holder
}

export function rungsOf({ steps }: Pick<WholeStory, 'steps'>): Rung[] {
  let holder: Holder = 'nobody'
  return steps.map((step, i) => {
    const before = holder
    holder = holderAfter(step, before)
    const gapMs = i === 0 ? 0 : Math.max(0, step.atMs - steps[i - 1]!.atMs)
    const [from, to] = wayOf(step)
    const told = before === 'accept-queue' && step.kind === 'accepted' ? 'always' : 'long'
    return {
      ...{ step, gapMs, from, to, before, after: holder },
      offsetMs: step.atMs - steps[0]!.atMs,
      gapText: told === 'always' || gapMs >= GAP_TOLD_MS ? GAP_TEXTS[before] : '',
      gapSize: sizeOf(gapMs),
    }
  })
}

/** A gap from here on is told of. */
const GAP_TOLD_MS = 1
const GAP_TEXTS: Readonly<Record<Holder, string>> = {
  nobody: 'later',
  'syn-queue': 'half-open, in the SYN queue',
  'accept-queue': 'waited in the accept queue',
  worker: 'later',
}

/** By its order of magnitude, from 10 µs to a minute. */
function sizeOf(ms: number): number {
  return Math.min(1, Math.max(0, Math.log10(ms / 0.01) / 6.8))
}

function holderAfter({ kind, way }: Step, before: Holder): Holder {
  if (kind === 'syn') return 'syn-queue'
  if (kind === 'ack' && before === 'syn-queue') return 'accept-queue'
  if (kind === 'accepted') return 'worker'
  if (kind === 'closed' || kind === 'reset' || (kind === 'rst' && way === 'in' && before !== 'worker')) return 'nobody'
  return before
}

const WAYS: Readonly<Record<Exclude<StepKind, 'fin' | 'rst'>, readonly [Lane, Lane]>> = {
  syn: ['client', 'kernel'],
  'syn-ack': ['kernel', 'client'],
  ack: ['client', 'kernel'],
  accepted: ['kernel', 'worker'],
  secured: ['worker', 'worker'],
  'handshake-failed': ['worker', 'worker'],
  received: ['kernel', 'worker'],
  request: ['worker', 'worker'],
  response: ['worker', 'worker'],
  sent: ['worker', 'client'],
  shutdown: ['worker', 'kernel'],
  closed: ['worker', 'kernel'],
  reset: ['worker', 'client'],
}

function wayOf({ kind, way }: Step): readonly [Lane, Lane] {
  if (kind !== 'fin' && kind !== 'rst') return WAYS[kind]
  return way === 'in' ? ['client', 'kernel'] : ['kernel', 'client']
}

/**
 * Recycling: a worker that has answered its share of requests
 * (`recycle.maxRequestsPerWorker`) says so, and serves on until it is told to
 * drain; another has taken its place by then. It says so again after another
 * share: while the server starts, nobody listens to that.
 */
import type { WorkerLine } from '../channel.ts'
import type { Service } from './service.ts'

/** Workers born together must not all go together: each has its own share, so much more or less. */
const JITTER = 0.1

export function tireAfter(maxRequests: number, service: Service, line: WorkerLine): void {
  if (maxRequests === Number.MAX_SAFE_INTEGER) return
  const share = shareOf(maxRequests, Math.random())
  let left = share
  service.onAnswered = () => {
    left -= 1
    if (left > 0 || service.isEnding) return
    left = share
    line.send({ type: 'tired', why: `has answered its share of requests (${share})` })
  }
}

/** `random` is from [0, 1). At least one request is answered. */
export function shareOf(maxRequests: number, random: number): number {
  return Math.max(1, Math.round(maxRequests * (1 - JITTER + 2 * JITTER * random)))
}

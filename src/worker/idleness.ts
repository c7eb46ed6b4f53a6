/**
 * What Node says of its event loop's idleness, made true.
 *
 * Node counts as idle the time in which libuv sleeps. In a worker libuv does not
 * sleep, our loop does (net/loop.ts); so the app would hear that it is never
 * idle, and whoever sheds load by that (`eventLoopUtilization`) would turn
 * everybody away.
 */
import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import type { EventLoop } from '../net/loop.ts'

/** From here on `performance.eventLoopUtilization` counts our loop's sleep as idle. Same arguments, same results: perf_hooks. */
export function countSleepAsIdle(loop: Pick<EventLoop, 'sleptMs'>): void {
  const ofNode = performance.eventLoopUtilization.bind(performance)
  performance.eventLoopUtilization = (later, earlier) => {
    if (later !== undefined && earlier !== undefined) return difference(later, earlier)
    const { idle, active } = ofNode()
    const now = utilization(idle + loop.sleptMs, active - loop.sleptMs)
    return later === undefined ? now : difference(now, later)
  }
}

function difference(later: EventLoopUtilization, earlier: EventLoopUtilization): EventLoopUtilization {
  return utilization(later.idle - earlier.idle, later.active - earlier.active)
}

function utilization(idle: number, active: number): EventLoopUtilization {
  const total = idle + active
  return { idle, active, utilization: total === 0 ? 0 : active / total }
}

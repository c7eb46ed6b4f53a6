/**
 * The kernel's clocks. What it stamps (packets, files) carries the time of day,
 * CLOCK_REALTIME, which an administrator or NTP may set; what is measured here runs
 * on CLOCK_MONOTONIC, which nobody sets, and which stands still while the machine is
 * suspended; CLOCK_BOOTTIME goes on.
 */
import { CLOCK_MONOTONIC, CLOCK_REALTIME } from './constants.ts'
import { must } from './errno.ts'
import { bind } from './libc.ts'
import { allocate } from './memory.ts'

const libc = { clock_gettime: bind('clock_gettime', 'int', ['int', 'uintptr_t']) }

/** `struct timespec`: seconds 0, nanoseconds 8; 8 bytes each. */
const timespec = allocate(16)
const numbers = new BigInt64Array(timespec.bytes.buffer, timespec.bytes.byteOffset, 2)

/**
 * clock_gettime(clockid, tp): what the clock says, in milliseconds with a fraction.
 * A double tells the time of day to a quarter of a microsecond. Throws EINVAL for a
 * clock that there is not.
 *
 * https://man7.org/linux/man-pages/man2/clock_gettime.2.html
 */
export function clock_gettime(clock: number): number {
  must(libc.clock_gettime(clock, timespec.address), 'clock_gettime', `of clock ${clock}`)
  return Number(numbers[0]) * 1000 + Number(numbers[1]) / 1e6
}

const READINGS = 8

/**
 * What to take from a CLOCK_REALTIME in milliseconds to have it on CLOCK_MONOTONIC.
 * Both cannot be read at once: of several readings that one counts during which the
 * least time went by, so that it is right within a microsecond even on a busy
 * machine. It holds until the time of day is set or slewed; so it is measured anew
 * now and then.
 */
export function realtimeLeadMs(): number {
  let [lead, shortest] = [0, Number.POSITIVE_INFINITY]
  for (let i = 0; i < READINGS; i++) {
    const before = clock_gettime(CLOCK_MONOTONIC)
    const realtime = clock_gettime(CLOCK_REALTIME)
    const after = clock_gettime(CLOCK_MONOTONIC)
    if (after - before < shortest) {
      shortest = after - before
      lead = realtime - (before + after) / 2
    }
  }
  return lead
}

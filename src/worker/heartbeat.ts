/**
 * The heartbeat: a worker whose event loop goes round says so in its row of the
 * scoreboard, and the supervisor kills one that has been silent for
 * `timeouts.workerTimeoutMs`. Where that is off no timer runs: an idle worker
 * sleeps.
 */
import { monotonicMs, type Row } from '../scoreboard.ts'

/** So often within the timeout that a beat or two may come late. */
const BEATS_PER_TIMEOUT = 4
const BEAT_MS_MIN = 10
const BEAT_MS_MAX = 1_000

export function startHeartbeat(row: Row, workerTimeoutMs: number): void {
  if (workerTimeoutMs === 0) return
  const everyMs = Math.min(BEAT_MS_MAX, Math.max(BEAT_MS_MIN, workerTimeoutMs / BEATS_PER_TIMEOUT))
  const beat = () => {
    row.heartbeatAt = monotonicMs()
  }
  setInterval(beat, everyMs).unref()
}

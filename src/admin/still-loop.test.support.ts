/** A loop whose clock stands still, for what watches one line: deadlines come when a test says so. */
import { Deadlines } from '../net/deadlines.ts'
import type { EventLoop } from '../net/loop.ts'

export function stillLoop() {
  const deadlines = new Deadlines(0)
  const loop = {
    now: 0,
    deadlines,
    watch: () => {},
    leave: () => {},
    readClock: () => {},
    setDeadline: (entry: Parameters<Deadlines['set']>[0], at: number) => deadlines.set(entry, at),
  }
  return { loop: loop as unknown as EventLoop, deadlines }
}

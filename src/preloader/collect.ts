/**
 * Before the first fork the garbage goes, what is left is old, and the heap is swept.
 *
 * Each child would else collect what the preloader left behind, in its first
 * milliseconds, move what is still young, and sweep page by page as it needs room:
 * pages that it would write to for that, and no longer share.
 *
 * `queryObjects` has to look at every object that is alive, and so does all of
 * that first. `gc()` leaves the sweeping for later.
 */
import { queryObjects } from 'node:v8'

export function collectGarbage(): void {
  const { emitWarning } = process
  process.emitWarning = () => {} // that it is experimental (Node 20 to 26): said in a tick, which would be each child's first
  queryObjects(Nothing)
  process.emitWarning = emitWarning
}

class Nothing {}

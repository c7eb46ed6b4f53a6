/**
 * Before the first fork the garbage goes, and what is left is old.
 *
 * Each child would else collect what the preloader left behind, in its first
 * milliseconds, and move what is still young: pages that it would write to for
 * that, and no longer share. Twice: what survives the first time is old after the
 * second.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc') // contexts made from here on have a `gc`
  const gc = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  gc()
  gc()
}

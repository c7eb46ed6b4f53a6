/**
 * USR1: whoever rotates logs has moved the old file away, and every worker goes on
 * in a new one.
 */
import { SIGUSR1 } from '../kernel/constants.ts'
import type { Os } from './os.ts'
import { allGenerations, allSlots, type Roster } from './roster.ts'

export function reopenLogs(roster: Roster, os: Os): void {
  for (const generation of allGenerations(roster)) {
    os.prepareLog(generation)
    const { preloader } = generation
    if (preloader !== null && preloader.firstRow !== null) os.orderTell(preloader.pid, SIGUSR1)
  }
  for (const { pid, isParent, firstRow } of roster.retirees) {
    if (isParent) os.orderTell(pid, SIGUSR1)
    else if (isPrepared({ pid, row: firstRow }, os)) os.kill(pid, SIGUSR1)
  }
  for (const { slot } of allSlots(roster)) if (isPrepared(slot, os)) os.kill(slot.pid, SIGUSR1)
}

/**
 * A worker that has begun its row obeys the signal. One that has not will open the
 * log later on; and if it was started by exec, the signal would open Node's debugger.
 */
function isPrepared({ pid, row }: { readonly pid: number; readonly row: number | null }, os: Os): boolean {
  return pid !== 0 && row !== null && os.row(row).pid === pid
}

/**
 * What `ps` calls a worker: `prefork: worker 0`, and whether it is not to be
 * asked yet, or no more.
 */
let shown: string | null = null

/** An app that has given itself a name of its own keeps it. */
export function showWorker(slot: number, state: 'starting' | 'draining' | null): void {
  if (shown !== null && process.title !== shown) return
  process.title = state === null ? `prefork: worker ${slot}` : `prefork: worker ${slot} (${state})`
  shown = process.title // which may be cut short
}

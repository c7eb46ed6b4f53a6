/**
 * A story in a few words: in whose hands it is, and how long it lasted. Pure.
 */
import type { Story } from '../../trace/story.ts'
import { count, shortTime } from './units.ts'

export function whoHas({ worker, fd, requests }: Story): string {
  if (worker === null) return 'nobody has accepted it'
  const more = requests > 1 ? `, ${count(requests)} requests` : ''
  return `worker ${worker.slot}, fd ${fd ?? '?'}${more}`
}

export function lasted({ isOver, durationMs }: Story): string {
  return isOver ? `lasted ${shortTime(durationMs)}` : 'open'
}

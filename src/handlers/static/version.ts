/**
 * One version of a file: told from all others by what fstat says of it.
 *
 * A file has changed when its inode, its length or one of its times has. Of the
 * times, nobody can set ctime back; but all are taken from a clock that ticks, and
 * two changes within one tick look alike. So a file that has only just been changed
 * is not settled: what was read of it is not kept, as git does not trust an entry
 * of its index that is as young as the index itself ("racily clean").
 *
 * Watching instead of asking (inotify) was left out: it needs a watch for each
 * directory, says nothing of network file systems, and its queue may overflow.
 */
import type { Stat } from '../../kernel/file.ts'

/** A tick of the kernel's file clock is 10 ms at most, of an NTFS server's 16. */
const TICK_MS = 100
/** File systems without fractions of a second count in seconds, FAT in two. */
const COARSE_TICK_MS = 2_000

export function isSameVersion(a: Stat, b: Stat): boolean {
  return (
    a.size === b.size &&
    a.mtimeNanoseconds === b.mtimeNanoseconds &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.ctimeNanoseconds === b.ctimeNanoseconds &&
    a.ctimeSeconds === b.ctimeSeconds &&
    a.ino === b.ino &&
    a.dev === b.dev
  )
}

/** Whether the next change will be seen for certain: the last one is older than a tick. `nowMs` since 1970. */
export function isSettled(stat: Stat, nowMs: number): boolean {
  const changedMs = msOf(stat.ctimeSeconds, stat.ctimeNanoseconds)
  return nowMs - changedMs >= tickMsOf(stat.ctimeNanoseconds) && isTickOver(stat, nowMs)
}

/** The same by the time of the content alone, of which an entity-tag is made. One of the future was set by hand, not by a change. */
function isTickOver(stat: Stat, nowMs: number): boolean {
  const age = nowMs - msOf(stat.mtimeSeconds, stat.mtimeNanoseconds)
  return age < 0 || age >= tickMsOf(stat.mtimeNanoseconds)
}

/**
 * Whether its content was changed before that of the other. A time without a fraction
 * was given by a program that copies whole seconds (brotli 1.0): then it is seconds
 * that are compared.
 */
export function isOlder(stat: Stat, than: Stat): boolean {
  if (stat.mtimeSeconds !== than.mtimeSeconds) return stat.mtimeSeconds < than.mtimeSeconds
  return stat.mtimeNanoseconds !== 0 && stat.mtimeNanoseconds < than.mtimeNanoseconds
}

/**
 * A strong entity-tag (RFC 9110 §8.8.3): time of last change to the nanosecond, and
 * length. Without the inode: copies of one site on several machines behind one
 * address must agree, and rsync, tar and container images keep times but not inodes.
 *
 * Weak as long as the content may change once more within the same tick: then two
 * contents of one length would share it, which a strong one must not (§8.8.1).
 * Apache does the same for a second.
 */
export function entityTag(stat: Stat, nowMs: number): string {
  const tag = `"${stat.mtimeSeconds.toString(16)}.${stat.mtimeNanoseconds.toString(16)}-${stat.size.toString(16)}"`
  return isTickOver(stat, nowMs) ? tag : `W/${tag}`
}

function tickMsOf(nanoseconds: number): number {
  return nanoseconds === 0 ? COARSE_TICK_MS : TICK_MS
}

function msOf(seconds: number, nanoseconds: number): number {
  return seconds * 1_000 + nanoseconds / 1_000_000
}

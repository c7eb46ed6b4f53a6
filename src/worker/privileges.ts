/**
 * A preloader or worker becomes whom `user` and `group` name, before any user
 * code runs in it; its listeners were bound by whoever started the server.
 *
 *     initgroups → setgid → setuid → no_new_privs
 *
 * First of all: the kernel takes back PR_SET_PDEATHSIG when the user changes. For
 * good: no set-user-ID program that it starts gives it anything back
 * (PR_SET_NO_NEW_PRIVS).
 */
import type { Identity } from '../boot.ts'
import { PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS } from '../kernel/constants.ts'
import { initgroups, setgid, setgroups, setuid } from '../kernel/credentials.ts'
import { prctl } from '../kernel/process.ts'

export function become(identity: Identity | null): void {
  if (identity === null) return
  const { name, uid, gid } = identity
  if (name === null) setgroups([])
  else initgroups(name, gid)
  setgid(gid)
  setuid(uid)
  prctl(PR_SET_NO_NEW_PRIVS, 1)
  // The kernel has made its own files in /proc another's; a process that may not look at itself cannot count its threads.
  prctl(PR_SET_DUMPABLE, 1)
}

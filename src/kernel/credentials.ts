/**
 * Who a process is: users and groups looked up by name, and taken on for good.
 *
 *     getpwnam → initgroups → setgid → setuid → prctl(PR_SET_NO_NEW_PRIVS)
 *
 * in this order: after setuid there is no right left to change the groups
 * (credentials(7)). Look-ups go through libc, so that they know whom NSS knows
 * (nsswitch.conf(5): LDAP, systemd), and may ask the network.
 *
 * | struct | size | fields (offset) | header |
 * | --- | --- | --- | --- |
 * | passwd | 48 | name 0, passwd 8, uid 16, gid 20, gecos 24, dir 32, shell 40 | pwd.h |
 * | group | 32 | name 0, passwd 8, gid 16, mem 24 | grp.h |
 *
 * The same with glibc and musl, on x64 and arm64.
 */
import { EINTR, ENOENT, ENOTDIR, ERANGE, ESRCH, must, SyscallError } from './errno.ts'
import { bind, bindRaw } from './libc.ts'
import { allocate, type Memory } from './memory.ts'

const LOOK_UP_REST = ['uintptr_t', 'uintptr_t', 'size_t', 'uintptr_t'] as const

const libc = {
  getpwnam_r: bindRaw('getpwnam_r', 'int', ['str', ...LOOK_UP_REST]),
  getpwuid_r: bindRaw('getpwuid_r', 'int', ['uint', ...LOOK_UP_REST]),
  getgrnam_r: bindRaw('getgrnam_r', 'int', ['str', ...LOOK_UP_REST]),
  getuid: bindRaw('getuid', 'uint', []),
  geteuid: bindRaw('geteuid', 'uint', []),
  setgroups: bind('setgroups', 'int', ['size_t', 'uintptr_t']),
  initgroups: bind('initgroups', 'int', ['str', 'uint']),
  setgid: bind('setgid', 'int', ['uint']),
  setuid: bind('setuid', 'int', ['uint']),
}

const PASSWD_BYTES = 48
const GROUP_BYTES = 32
/** Room for the strings of an entry, to begin with; getpwnam_r(3) asks for more by ERANGE: a group may have thousands of members. */
const STRINGS_BYTES = 1024

/** A line of passwd(5). */
export interface User {
  readonly name: string
  readonly uid: number
  /** Its own group. */
  readonly gid: number
  /** Its home directory. */
  readonly home: string
}

/** A line of group(5). */
export interface Group {
  readonly name: string
  readonly gid: number
}

/**
 * getpwnam(name): the user of this name, or null when there is none.
 *
 * https://man7.org/linux/man-pages/man3/getpwnam.3.html
 */
export function getpwnam(name: string): User | null {
  return readUser(lookUp('getpwnam', libc.getpwnam_r, name, PASSWD_BYTES))
}

/**
 * getpwuid(uid): the user of this number, or null when there is none. A process
 * may well run under a number that has no name.
 *
 * https://man7.org/linux/man-pages/man3/getpwnam.3.html
 */
export function getpwuid(uid: number): User | null {
  return readUser(lookUp('getpwuid', libc.getpwuid_r, uid, PASSWD_BYTES))
}

/**
 * getgrnam(name): the group of this name, or null when there is none.
 *
 * https://man7.org/linux/man-pages/man3/getgrnam.3.html
 */
export function getgrnam(name: string): Group | null {
  const found = lookUp('getgrnam', libc.getgrnam_r, name, GROUP_BYTES)
  return found && { name: stringAt(found, 0), gid: found.entry.bytes.readUInt32LE(16) }
}

function readUser(found: Found | null): User | null {
  if (found === null) return null
  const { bytes } = found.entry
  return {
    name: stringAt(found, 0),
    uid: bytes.readUInt32LE(16),
    gid: bytes.readUInt32LE(20),
    home: stringAt(found, 32),
  }
}

/** A struct, and the memory that its pointers point into. */
interface Found {
  readonly entry: Memory
  readonly strings: Memory
}

/** Answers that mean `no such name`: files that list none, or are missing, say so by an errno. */
const NOBODY: readonly number[] = [ENOENT, ENOTDIR, ESRCH]

/**
 * The reentrant forms (`getpwnam_r`) write into our memory and return their errno,
 * so that nobody and a failure can be told apart.
 */
function lookUp(
  name: string,
  call: (typeof libc)['getpwnam_r'],
  key: string | number,
  entryBytes: number,
): Found | null {
  const entry = allocate(entryBytes)
  const result = allocate(8)
  let strings = allocate(STRINGS_BYTES)
  for (;;) {
    const errno = call(key, entry.address, strings.address, strings.bytes.length, result.address)
    if (errno === 0) return readAddress(result, 0) === 0 ? null : { entry, strings }
    if (NOBODY.includes(errno)) return null
    if (errno === ERANGE) strings = allocate(2 * strings.bytes.length)
    else if (errno !== EINTR) throw new SyscallError(name, errno, `of ${key}`)
  }
}

/** The string that the pointer at `at` points to. */
function stringAt({ entry, strings }: Found, at: number): string {
  const from = readAddress(entry, at) - strings.address
  return strings.bytes.toString('utf8', from, strings.bytes.indexOf(0, from))
}

/** A pointer, little-endian: addresses in user space fit a double exactly. */
function readAddress(memory: Memory, at: number): number {
  return memory.bytes.readUInt32LE(at) + memory.bytes.readUInt32LE(at + 4) * 0x1_0000_0000
}

/**
 * getuid(): the real user's number; 0 is root.
 *
 * https://man7.org/linux/man-pages/man2/getuid.2.html
 */
export function getuid(): number {
  return libc.getuid()
}

/**
 * geteuid(): the effective user's number, by whose rights this process acts.
 *
 * https://man7.org/linux/man-pages/man2/getuid.2.html
 */
export function geteuid(): number {
  return libc.geteuid()
}

/**
 * setgroups(size, list): the supplementary groups, in place of those there were.
 * With none, the rights of root's groups are gone. Throws EPERM without CAP_SETGID.
 *
 * Like the three calls below it changes every thread of the process: the kernel
 * keeps these numbers per thread, libc asks each of them.
 *
 * https://man7.org/linux/man-pages/man2/setgroups.2.html
 */
export function setgroups(gids: readonly number[]): void {
  const list = allocate(4 * Math.max(1, gids.length))
  gids.forEach((gid, i) => {
    list.bytes.writeUInt32LE(gid, 4 * i)
  })
  must(libc.setgroups(gids.length, list.address), 'setgroups', `to ${gids.length} groups`)
}

/**
 * initgroups(user, group): the supplementary groups that group(5) lists for the
 * user, and `gid`. Throws EPERM without CAP_SETGID.
 *
 * https://man7.org/linux/man-pages/man3/initgroups.3.html
 */
export function initgroups(user: string, gid: number): void {
  must(libc.initgroups(user, gid), 'initgroups', `of ${user}`)
}

/**
 * setgid(gid): the real, effective and saved group, when root asks. Throws EPERM
 * without CAP_SETGID.
 *
 * https://man7.org/linux/man-pages/man2/setgid.2.html
 */
export function setgid(gid: number): void {
  must(libc.setgid(gid), 'setgid', `to ${gid}`)
}

/**
 * setuid(uid): the real, effective and saved user, when root asks: there is no way
 * back. Throws EPERM without CAP_SETUID; EAGAIN where the user has as many
 * processes as it may.
 *
 * The process is no longer dumpable then: its files in /proc belong to root, until
 * prctl(PR_SET_DUMPABLE, 1).
 *
 * https://man7.org/linux/man-pages/man2/setuid.2.html
 */
export function setuid(uid: number): void {
  must(libc.setuid(uid), 'setuid', `to ${uid}`)
}

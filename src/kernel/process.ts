/**
 * Processes: fork, wait, kill, exit; and posix_spawn for a program of its own.
 */
import { constants } from 'node:os'
import { MADV_DOFORK, POSIX_SPAWN_SETPGROUP, WNOHANG } from './constants.ts'
import { ECHILD, ESRCH, must, SyscallError } from './errno.ts'
import type { Fd } from './fd.ts'
import { layout } from './layout.ts'
import { bind, bindRaw, bindUnwatched, lastErrno, tellOfCall } from './libc.ts'
import { allocate } from './memory.ts'
import { syscall } from './syscall.ts'
import { uv_loop_fork } from './uv.ts'

const libc = {
  waitpid: bind('waitpid', 'int', ['int', 'uintptr_t', 'int']),
  kill: bind('kill', 'int', ['int', 'int']),
  prctl: bind('prctl', 'int', ['int', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t']),
  signal: bind('signal', 'intptr_t', ['int', 'uintptr_t']),
  sigprocmask: bind('sigprocmask', 'int', ['int', 'uintptr_t', 'uintptr_t']),
  getpid: bindRaw('getpid', 'int', []),
  getppid: bindRaw('getppid', 'int', []),
  sleep: bindRaw('sleep', 'uint', ['uint']),
  exit: bindRaw('_exit', 'void', ['int']),
  posix_spawn: bindRaw('posix_spawn', 'int', ['uintptr_t', 'str', 'uintptr_t', 'uintptr_t', 'str[]', 'str[]']),
  actions_init: bindRaw('posix_spawn_file_actions_init', 'int', ['uintptr_t']),
  actions_adddup2: bindRaw('posix_spawn_file_actions_adddup2', 'int', ['uintptr_t', 'int', 'int']),
  actions_destroy: bindRaw('posix_spawn_file_actions_destroy', 'int', ['uintptr_t']),
  attr_init: bindRaw('posix_spawnattr_init', 'int', ['uintptr_t']),
  attr_setflags: bindRaw('posix_spawnattr_setflags', 'int', ['uintptr_t', 'int']),
  attr_setpgroup: bindRaw('posix_spawnattr_setpgroup', 'int', ['uintptr_t', 'int']),
  attr_destroy: bindRaw('posix_spawnattr_destroy', 'int', ['uintptr_t']),
}

/** Apart from the rest, and with nobody beside them: see `fork`. */
const madvise = bindUnwatched('madvise', 'int', ['uintptr_t', 'size_t', 'int'])
const libcFork = bindUnwatched('fork', 'int', [])

/** Below this no mapping can lie (vm.mmap_min_addr). */
const FIRST_PAGE = 0x1000

/**
 * fork(): the child gets 0, the parent the child's pid. Memory is shared
 * copy-on-write.
 *
 * Node needs two courtesies. It marks its heap MADV_DONTFORK (nodejs/node#48523),
 * so one madvise(2) over the whole address space takes the marks off. It answers
 * an error at the kernel's own mappings at the top of the address space; the heap
 * is done by then, so the result is not looked at. And libuv's epoll must not be
 * shared: the child makes its own first of all.
 *
 * Nothing may be allocated between the madvise and the fork: a page mapped there
 * would be missing in the child. V8 compiles a JavaScript function when it is
 * first called, and one in ten thousand times its bytecode opens a new page. So
 * the two are native functions, called one right after the other: no closure
 * around them, no property to look up.
 *
 * Only a process started as `node --single-threaded --v8-pool-size=0` may do
 * this: threads are not copied, and a child would wait for them forever.
 *
 * https://man7.org/linux/man-pages/man2/fork.2.html
 */
export function fork(): number {
  const size = layout.userSpaceEnd - FIRST_PAGE
  madvise(FIRST_PAGE, size, MADV_DOFORK)
  const pid = libcFork()
  const result = pid === -1 ? -lastErrno() : pid
  if (pid === 0) uv_loop_fork()
  tellOfCall('fork', [], result)
  return must(result, 'fork', '')
}

/** How a process ended: with an exit code, or by a signal. One of the two is null. */
export interface Death {
  readonly pid: number
  readonly exitCode: number | null
  readonly signal: number | null
}

const status = allocate(4)

/**
 * waitpid(pid, wstatus, options): the death of a child, or null when none has
 * died (WNOHANG, the default here) or there is no child at all (ECHILD). With
 * `options` 0 it blocks until one dies. `pid` -1 is any child.
 *
 * https://man7.org/linux/man-pages/man2/waitpid.2.html
 */
export function waitpid(pid: number, options: number = WNOHANG): Death | null {
  const result = libc.waitpid(pid, status.address, options)
  if (result === 0 || result === -ECHILD) return null
  must(result, 'waitpid', `for ${pid}`)
  const word = status.bytes.readInt32LE(0)
  const signal = word & 0x7f // WTERMSIG
  return { pid: result, exitCode: signal === 0 ? (word >> 8) & 0xff : null, signal: signal === 0 ? null : signal }
}

/** `SIGKILL` for 9; `signal 64` for one without a name. */
export function signalName(signal: number): string {
  const entry = Object.entries(constants.signals).find(([, number]) => number === signal)
  return entry?.[0] ?? `signal ${signal}`
}

/** Not a signal: kill(2) with it only asks whether the process is there; prctl(PR_SET_PDEATHSIG) takes it for none. */
export const SIG_NONE = 0

/**
 * kill(pid, sig): false when there is no such process (ESRCH). Signal 0 only asks.
 *
 * https://man7.org/linux/man-pages/man2/kill.2.html
 */
export function kill(pid: number, signal: number): boolean {
  const result = libc.kill(pid, signal)
  if (result === -ESRCH) return false
  must(result, 'kill', `of ${pid}`)
  return true
}

/**
 * prctl(option, arg2, 0, 0, 0), for options that take one number:
 * PR_SET_CHILD_SUBREAPER (orphans of this process' descendants become its
 * children, so that it can reap them), PR_SET_PDEATHSIG (the signal that the
 * kernel sends this process when its parent dies; 0 for none; setuid takes it
 * away), PR_SET_DUMPABLE (1: the user this process runs as may look into it, and
 * owns its files in /proc), PR_SET_NO_NEW_PRIVS (for good: no program that this
 * thread or its children execute gains rights, by the set-user-ID bit or otherwise).
 *
 * https://man7.org/linux/man-pages/man2/prctl.2.html
 */
export function prctl(option: number, argument: number): number {
  return must(libc.prctl(option, argument, 0, 0, 0), 'prctl', `option ${option}`)
}

/**
 * signal(signum, SIG_IGN | SIG_DFL): a disposition without a handler. Handlers
 * in JavaScript are `process.on`.
 *
 * https://man7.org/linux/man-pages/man2/signal.2.html
 */
export function signal(signum: number, disposition: number): void {
  must(libc.signal(signum, disposition), 'signal', `${signum}`)
}

/** A sigset_t, as glibc and musl have it: one bit a signal, from 1. The kernel reads the first 64. */
const signalSet = allocate(128)

/**
 * sigprocmask(how, set): which signals the calling thread holds back
 * (`SIG_BLOCK`, `SIG_UNBLOCK`, `SIG_SETMASK`). What is sent to it meanwhile waits,
 * even where its disposition is SIG_IGN, and comes when it is let in. A forked
 * child inherits the mask, and nothing that waits.
 *
 * https://man7.org/linux/man-pages/man2/sigprocmask.2.html
 */
export function sigprocmask(how: number, signals: readonly number[]): void {
  signalSet.bytes.fill(0)
  const bits = signals.reduce((set, signum) => set | (1n << BigInt(signum - 1)), 0n)
  signalSet.bytes.writeBigUInt64LE(bits)
  must(libc.sigprocmask(how, signalSet.address, 0), 'sigprocmask', `of ${signals.join(', ')}`)
}

/** getpid(): the real one. In a forked child `process.pid` still says the parent's. */
export function getpid(): number {
  return libc.getpid()
}

/** getppid(): the parent's pid, now. */
export function getppid(): number {
  return libc.getppid()
}

/**
 * sleep(seconds): blocks the whole process, timers and all. Answers 0, or the
 * seconds that were left when a signal's handler ended it early.
 *
 * https://man7.org/linux/man-pages/man3/sleep.3.html
 */
export function sleep(seconds: number): number {
  return libc.sleep(seconds)
}

/**
 * _exit(status): ends the process at once: no exit handlers, no flushing. The
 * only safe way out of a forked Node, whose own exit would wait for threads that
 * the fork did not copy.
 *
 * https://man7.org/linux/man-pages/man2/_exit.2.html
 */
export function _exit(code: number): never {
  libc.exit(code)
  throw new Error('_exit returned')
}

/**
 * pidfd_open(pid, 0): a descriptor that is readable once the process has ended.
 * Close-on-exec by nature. Needs Linux 5.3.
 *
 * https://man7.org/linux/man-pages/man2/pidfd_open.2.html
 */
export function pidfd_open(pid: number): Fd {
  return must(syscall(layout.SYS_pidfd_open, pid, 0, 0, 0), 'pidfd_open', `of ${pid}`) as Fd
}

/** glibc needs 80 bytes for posix_spawn_file_actions_t, musl the same; this is room enough for both. */
const SPAWN_ACTIONS_BYTES = 256
/** What a child inherits: a descriptor under its own number, or under another. */
export type Inherited = Fd | readonly [from: Fd, to: number]

/** posix_spawnattr_setpgroup(3): a new group, whose id is the child's pid. */
const OWN_GROUP = 0
/** And 336 for posix_spawnattr_t, in both. */
const SPAWN_ATTR_BYTES = 512

/**
 * posix_spawn(pid, path, file_actions, attrp, argv, envp): starts a program of
 * its own, without copying this process. Every descriptor is close-on-exec (Node
 * marks even 0, 1 and 2); those three and the ones in `inherit` keep their
 * numbers in the child, because a dup2 onto itself takes the mark off
 * (POSIX.1-2024). A pair is inherited under another number; those must be in an
 * order in which no number is overwritten before it is copied. Returns the pid;
 * throws ENOENT, EACCES, EAGAIN, …
 *
 * The child leads a process group of its own (POSIX_SPAWN_SETPGROUP). So a
 * terminal's Ctrl-C, sent to the whole foreground group, does not reach it: it
 * would end a `node` that has not got as far as its handlers.
 *
 * https://man7.org/linux/man-pages/man3/posix_spawn.3.html
 */
export function posix_spawn(
  path: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  inherit: readonly Inherited[],
): number {
  const pid = allocate(4)
  const actions = allocate(SPAWN_ACTIONS_BYTES)
  const attr = allocate(SPAWN_ATTR_BYTES)
  const envp = Object.entries(env).map(([name, value]) => `${name}=${value ?? ''}`)
  libc.actions_init(actions.address)
  libc.attr_init(attr.address)
  try {
    for (const fd of [0, 1, 2, ...inherit]) {
      const [from, to] = typeof fd === 'number' ? [fd, fd] : fd
      libc.actions_adddup2(actions.address, from, to)
    }
    libc.attr_setflags(attr.address, POSIX_SPAWN_SETPGROUP)
    libc.attr_setpgroup(attr.address, OWN_GROUP)
    const errno = libc.posix_spawn(pid.address, path, actions.address, attr.address, [...argv, null], [...envp, null])
    if (errno !== 0) throw new SyscallError('posix_spawn', errno, path)
  } finally {
    libc.attr_destroy(attr.address)
    libc.actions_destroy(actions.address)
  }
  return pid.bytes.readInt32LE(0)
}

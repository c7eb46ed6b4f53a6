/**
 * The few functions of libuv, the event loop inside Node, that the floor needs.
 * The `node` binary exports them; http://docs.libuv.org/en/v1.x/
 */

import { must } from './errno.ts'
import type { Fd } from './fd.ts'
import { addressOfSymbol, bindRaw } from './libc.ts'
import { allocate, type Memory } from './memory.ts'

const uv = {
  default_loop: bindRaw('uv_default_loop', 'uintptr_t', []),
  backend_fd: bindRaw('uv_backend_fd', 'int', ['uintptr_t']),
  update_time: bindRaw('uv_update_time', 'void', ['uintptr_t']),
  backend_timeout: bindRaw('uv_backend_timeout', 'int', ['uintptr_t']),
  loop_fork: bindRaw('uv_loop_fork', 'int', ['uintptr_t']),
  handle_size: bindRaw('uv_handle_size', 'size_t', ['int']),
  poll_init: bindRaw('uv_poll_init', 'int', ['uintptr_t', 'uintptr_t', 'int']),
  poll_start: bindRaw('uv_poll_start', 'int', ['uintptr_t', 'int', 'uintptr_t']),
}

const theLoop = uv.default_loop()

/** uv.h, uv_handle_type */
const UV_POLL = 8
/** uv.h, uv_poll_event */
const UV_READABLE = 1

/** uv_loop_fork(loop): the child's event loop gets an epoll of its own. Before anything else in a forked child. */
export function uv_loop_fork(): void {
  must(uv.loop_fork(theLoop), 'uv_loop_fork', '')
}

/** Handles that libuv holds pointers to: they live as long as the process. */
const keptAlive: Memory[] = []

/**
 * uv_poll on a descriptor that wakes Node's event loop when it is readable, and
 * does nothing else: the callback is a harmless C function, so no JavaScript
 * runs inside libuv's callback. Whoever asks for this looks at the descriptor in
 * a setImmediate, which runs right after every poll. Keeps the process alive.
 */
export function wakeWhenReadable(fd: Fd): void {
  const handle = allocate(uv.handle_size(UV_POLL))
  keptAlive.push(handle)
  const callback = addressOfSymbol('uv_handle_get_type')
  must(uv.poll_init(theLoop, handle.address, fd), 'uv_poll_init', `on fd ${fd}`)
  must(uv.poll_start(handle.address, UV_READABLE, callback), 'uv_poll_start', `on fd ${fd}`)
}

/** uv_backend_fd(loop): the epoll in which Node's event loop sleeps. */
export function uv_backend_fd(): Fd {
  return uv.backend_fd(theLoop) as Fd
}

/**
 * uv_backend_timeout(loop): how long Node's event loop would sleep if it went to sleep now, in milliseconds: 0 when
 * something is pending, -1 when nothing ends the sleep but what is watched.
 */
export function uv_backend_timeout(): number {
  uv.update_time(theLoop) // else it counts from when libuv last looked at the clock
  return uv.backend_timeout(theLoop)
}

/**
 * Calls `sleep` right after each poll of Node's event loop, which from here on does not sleep itself: `sleep` does, no
 * longer than uv_backend_timeout says, and wakes when uv_backend_fd is readable. An immediate that is pending keeps
 * libuv from sleeping; while `sleep` runs it is unref'd, or there would be no time to sleep. Keeps the process alive,
 * until what it returns is called.
 */
export function sleepAfterEveryPoll(sleep: () => void): () => void {
  const life = setInterval(() => {}, TIMER_MS_MAX) // with nothing alive libuv would not sleep either
  let next: NodeJS.Immediate
  const round = () => {
    next = setImmediate(round).unref() // first, so that a `sleep` that throws does not end it
    try {
      sleep()
    } finally {
      next.ref()
    }
  }
  next = setImmediate(round)
  return () => {
    clearInterval(life)
    clearImmediate(next)
  }
}

/** setInterval takes no longer ones. */
const TIMER_MS_MAX = 2 ** 31 - 1

/**
 * Calls `look` right after each poll of Node's event loop: an immediate that
 * re-arms itself first, so that a `look` that throws does not end it. Unref'd,
 * it neither keeps the process alive nor the loop from sleeping.
 */
export function afterEveryPoll(look: () => void): void {
  const round = () => {
    setImmediate(round).unref()
    look()
  }
  setImmediate(round).unref()
}

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
  loop_fork: bindRaw('uv_loop_fork', 'int', ['uintptr_t']),
  handle_size: bindRaw('uv_handle_size', 'size_t', ['int']),
  poll_init: bindRaw('uv_poll_init', 'int', ['uintptr_t', 'uintptr_t', 'int']),
  poll_start: bindRaw('uv_poll_start', 'int', ['uintptr_t', 'int', 'uintptr_t']),
}

/** uv.h, uv_handle_type */
const UV_POLL = 8
/** uv.h, uv_poll_event */
const UV_READABLE = 1

/** uv_loop_fork(loop): the child's event loop gets an epoll of its own. Before anything else in a forked child. */
export function uv_loop_fork(): void {
  must(uv.loop_fork(uv.default_loop()), 'uv_loop_fork', '')
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
  must(uv.poll_init(uv.default_loop(), handle.address, fd), 'uv_poll_init', `on fd ${fd}`)
  const harmless = addressOfSymbol('uv_handle_get_type')
  must(uv.poll_start(handle.address, UV_READABLE, harmless), 'uv_poll_start', `on fd ${fd}`)
}

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

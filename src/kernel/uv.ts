/**
 * The few functions of libuv, the event loop inside Node, that the floor needs.
 * The `node` binary exports them; http://docs.libuv.org/en/v1.x/
 */

import { EPOLL_CLOEXEC } from './constants.ts'
import { epoll_create1 } from './epoll.ts'
import { must } from './errno.ts'
import { close, type Fd } from './fd.ts'
import { addressOfSymbol, bindRaw } from './libc.ts'
import { allocate, type Memory } from './memory.ts'

const uv = {
  default_loop: bindRaw('uv_default_loop', 'uintptr_t', []),
  backend_fd: bindRaw('uv_backend_fd', 'int', ['uintptr_t']),
  unref: bindRaw('uv_unref', 'void', ['uintptr_t']),
  loop_fork: bindRaw('uv_loop_fork', 'int', ['uintptr_t']),
  handle_size: bindRaw('uv_handle_size', 'size_t', ['int']),
  poll_init: bindRaw('uv_poll_init', 'int', ['uintptr_t', 'uintptr_t', 'int']),
  close: bindRaw('uv_close', 'void', ['uintptr_t', 'uintptr_t']),
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

/** Handles that libuv holds pointers to, until some time after they are closed: they live as long as the process. */
const keptAlive: Memory[] = []

/**
 * uv_poll on a descriptor that wakes Node's event loop when it is readable, and
 * does nothing else: the callback is a harmless C function, so no JavaScript
 * runs inside libuv's callback. Whoever asks for this looks at the descriptor in
 * a setImmediate, which runs right after every poll. Keeps the process alive.
 */
export function wakeWhenReadable(fd: Fd): void {
  startPoll(fd, 'uv_handle_get_type')
}

/** The uv_poll_t of a descriptor that libuv watches from now on; `callback` is the name of a C function. */
function startPoll(fd: Fd, callback: string): Memory {
  const handle = allocate(uv.handle_size(UV_POLL))
  keptAlive.push(handle)
  must(uv.poll_init(uv.default_loop(), handle.address, fd), 'uv_poll_init', `on fd ${fd}`)
  must(uv.poll_start(handle.address, UV_READABLE, addressOfSymbol(callback)), 'uv_poll_start', `on fd ${fd}`)
  return handle
}

/** uv_backend_fd(loop): the epoll in which Node's event loop sleeps. */
export function uv_backend_fd(): Fd {
  return uv.backend_fd(uv.default_loop()) as Fd
}

/** Any number that uv_poll_cb's `status`, 0 or a negative errno, is not. */
const LOWERED = 1

/**
 * Tells whether something that we put into libuv's own epoll has happened.
 *
 * libuv takes an event for the descriptor that its `data` names, and drops events
 * of descriptors it knows nothing of. So the flag has a descriptor for libuv to
 * watch, an epoll without interests, which is never ready; an event that bears
 * its number makes libuv call the flag's callback. That is uv_handle_set_data, a
 * C function, which as `uv_poll_cb(handle, status, events)` writes the status, 0,
 * into `handle->data`: no JavaScript runs inside libuv's callback, and the trace
 * it leaves is one number to read.
 *
 *     epoll_ctl(uv_backend_fd(), EPOLL_CTL_ADD, fd, EPOLLIN, flag.fd)
 *
 * Does not keep the process alive.
 */
export class WakeFlag {
  readonly fd = epoll_create1(EPOLL_CLOEXEC)
  readonly #handle = startPoll(this.fd, 'uv_handle_set_data')
  readonly #words: Int32Array

  constructor() {
    const { address, bytes } = this.#handle
    uv.unref(address)
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, 1) // uv_handle_t begins with `void *data`
    this.#words[0] = LOWERED
  }

  /** Once. Node's event loop lets go of it in its next round. */
  close(): void {
    uv.close(this.#handle.address, 0)
    close(this.fd)
  }

  /** Whether it was raised since it was last asked. */
  take(): boolean {
    if (this.#words[0] === LOWERED) return false
    this.#words[0] = LOWERED
    return true
  }
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

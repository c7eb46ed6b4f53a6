/**
 * epoll: which of many descriptors have something to say.
 *
 * `struct epoll_event` is { u32 events; u64 data }, packed on x64 only
 * (layout.ts). We keep the descriptor in the lower half of `data`, and hand out
 * a buffer of events that is read in place.
 */
import { EPOLL_CTL_DEL } from './constants.ts'
import { ENOENT, must } from './errno.ts'
import type { Fd } from './fd.ts'
import { layout } from './layout.ts'
import { bind } from './libc.ts'
import { allocate, type Memory } from './memory.ts'

const libc = {
  epoll_create1: bind('epoll_create1', 'int', ['int']),
  epoll_ctl: bind('epoll_ctl', 'int', ['int', 'int', 'int', 'uintptr_t']),
  epoll_wait: bind('epoll_wait', 'int', ['int', 'uintptr_t', 'int', 'int']),
}

const one = allocate(layout.epollEvent.size)
const wordsOfOne = wordsOf(one)
const EVENTS_WORD = layout.epollEvent.events >> 2
const DATA_WORD = layout.epollEvent.data >> 2
const WORDS = layout.epollEvent.size >> 2

/** Its fields lie at multiples of four, and a typed array is written without looking whether the number fits. */
function wordsOf({ bytes }: Memory): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

/**
 * epoll_create1(flags): an empty interest list.
 *
 * https://man7.org/linux/man-pages/man2/epoll_create1.2.html
 */
export function epoll_create1(flags: number): Fd {
  return must(libc.epoll_create1(flags), 'epoll_create1', '') as Fd
}

/**
 * epoll_ctl(epfd, op, fd, event): adds, changes or drops an interest; `events`
 * is a set of EPOLL* bits, and comes back with `data`: the descriptor itself,
 * unless another number says more. Dropping what is not there (ENOENT) is no error.
 *
 * https://man7.org/linux/man-pages/man2/epoll_ctl.2.html
 */
export function epoll_ctl(epfd: Fd, op: number, fd: Fd, events: number, data: number = fd): void {
  wordsOfOne[EVENTS_WORD] = events
  wordsOfOne[DATA_WORD] = data
  const result = libc.epoll_ctl(epfd, op, fd, one.address)
  if (op === EPOLL_CTL_DEL && result === -ENOENT) return
  if (result < 0) must(result, 'epoll_ctl', `of fd ${fd}`) // each connection comes here: no text is made for nothing
}

/** Room for the events of one epoll_wait, read in place. */
export class EpollEvents {
  readonly capacity: number
  readonly memory: Memory
  readonly #words: Int32Array

  constructor(capacity: number) {
    this.capacity = capacity
    this.memory = allocate(capacity * layout.epollEvent.size)
    this.#words = wordsOf(this.memory)
  }

  /** The descriptor of event `i`. */
  fd(i: number): Fd {
    return this.#words[i * WORDS + DATA_WORD] as Fd
  }

  /** The EPOLL* bits of event `i`. */
  events(i: number): number {
    return this.#words[i * WORDS + EVENTS_WORD]!
  }
}

/**
 * epoll_wait(epfd, events, maxevents, timeout): how many events were written.
 * `timeoutMs` 0 only looks, -1 waits without end (and blocks Node's own loop). A
 * signal does not end the wait, but starts its time anew.
 *
 * https://man7.org/linux/man-pages/man2/epoll_wait.2.html
 */
export function epoll_wait(epfd: Fd, events: EpollEvents, timeoutMs: number): number {
  const result = libc.epoll_wait(epfd, events.memory.address, events.capacity, timeoutMs)
  return result < 0 ? must(result, 'epoll_wait', `on fd ${epfd}`) : result
}

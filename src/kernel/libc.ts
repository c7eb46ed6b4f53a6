/**
 * The C library of the running process, as JavaScript functions. The only file
 * of `kernel/` that speaks FFI; every call in the folder is made of what `bind`
 * returns.
 *
 * A bound function answers as the kernel itself does: a result of 0 or more, or
 * **-errno**. This is the one place that reads errno, and the one place that
 * retries EINTR.
 *
 * Pointers travel as plain numbers (`uintptr_t`): addresses in user space fit a
 * double exactly, and a number costs less than a BigInt on every call. Whoever
 * passes one keeps the memory alive; `memory.ts` is made for that.
 */
import koffi from 'koffi'

export type CType = 'int' | 'long' | 'uint' | 'uintptr_t' | 'intptr_t' | 'size_t' | 'int64_t' | 'str' | 'str[]' | 'void'
export type CValue = number | string | null | readonly (string | null)[]
export type CFunction = (...args: CValue[]) => number

/** How a call meets EINTR: `again` for nearly all; `once` where repeating is wrong, as for close(2) and connect(2). */
export type OnInterrupt = 'again' | 'once'

const EINTR = 4

/** The whole process: libc, and libuv, whose symbols the `node` binary exports. */
const process_ = koffi.load(null)
const stringArray = koffi.pointer('str')

/** errno lives in thread-local storage that never moves, so one view serves every call of this thread. */
const errno = new Int32Array(koffi.view(process_.func('__errno_location', 'void *', [])(), 4))

/** Is told of a call once it has been made: its result as the kernel answers, -errno for a failure. */
export type CallWatcher = (name: string, args: readonly CValue[], result: number) => void

let watcher: CallWatcher | null = null
/** What the watcher itself calls is not told. */
let isTelling = false

/**
 * For `prefork explain`: functions bound from here on tell `by` of each call. It is chosen when a function is bound, so
 * where nobody watches a call costs nothing more; and whoever wants to watch comes before what binds.
 */
export function watchCalls(by: CallWatcher): void {
  watcher = by
}

/** Tells whoever watches of a call that nobody may stand beside: see `fork`. */
export function tellOfCall(name: string, args: readonly CValue[], result: number): void {
  if (watcher === null || isTelling) return
  const kept = errno[0]!
  isTelling = true
  try {
    watcher(name, args, result)
  } finally {
    isTelling = false
    errno[0] = kept // the caller has yet to read it
  }
}

function watched(name: string, call: CFunction): CFunction {
  if (name === '_exit') {
    return (...args) => {
      tellOfCall(name, args, 0) // before it: there is nothing after
      return call(...args)
    }
  }
  return (...args) => {
    const result = call(...args)
    tellOfCall(name, args, result === -1 ? -errno[0]! : result)
    return result
  }
}

/** A function by its symbol's name, its result untouched: for calls that do not report through errno. */
export function bindRaw(name: string, result: CType, args: readonly CType[]): CFunction {
  const call = bindUnwatched(name, result, args)
  return watcher === null ? call : watched(name, call)
}

/** The same, of which nobody is told: the native function itself. */
export function bindUnwatched(name: string, result: CType, args: readonly CType[]): CFunction {
  return process_.func(
    name,
    result,
    args.map((type) => (type === 'str[]' ? stringArray : type)),
  ) as unknown as CFunction
}

/** After a `bindRaw` function has answered -1, before any other call. */
export function lastErrno(): number {
  return errno[0]!
}

/**
 * A function by its symbol's name, answering a result or -errno.
 *
 * One closure per number of arguments: rest parameters would make an array for
 * every system call.
 */
export function bind(
  name: string,
  result: CType,
  args: readonly CType[],
  onInterrupt: OnInterrupt = 'again',
): CFunction {
  const call = bindRaw(name, result, args)
  const interrupted = onInterrupt === 'again' ? () => errno[0] === EINTR : () => false
  switch (args.length) {
    case 0:
      return () => {
        let r = call()
        while (r === -1 && interrupted()) r = call()
        return r === -1 ? -errno[0]! : r
      }
    case 1:
      return (a) => {
        let r = call(a!)
        while (r === -1 && interrupted()) r = call(a!)
        return r === -1 ? -errno[0]! : r
      }
    case 2:
      return (a, b) => {
        let r = call(a!, b!)
        while (r === -1 && interrupted()) r = call(a!, b!)
        return r === -1 ? -errno[0]! : r
      }
    case 3:
      return (a, b, c) => {
        let r = call(a!, b!, c!)
        while (r === -1 && interrupted()) r = call(a!, b!, c!)
        return r === -1 ? -errno[0]! : r
      }
    case 4:
      return (a, b, c, d) => {
        let r = call(a!, b!, c!, d!)
        while (r === -1 && interrupted()) r = call(a!, b!, c!, d!)
        return r === -1 ? -errno[0]! : r
      }
    case 5:
      return (a, b, c, d, e) => {
        let r = call(a!, b!, c!, d!, e!)
        while (r === -1 && interrupted()) r = call(a!, b!, c!, d!, e!)
        return r === -1 ? -errno[0]! : r
      }
    case 6:
      return (a, b, c, d, e, f) => {
        let r = call(a!, b!, c!, d!, e!, f!)
        while (r === -1 && interrupted()) r = call(a!, b!, c!, d!, e!, f!)
        return r === -1 ? -errno[0]! : r
      }
    default:
      throw new RangeError(`bind ${name}: ${args.length} arguments; the kernel takes at most 6`)
  }
}

/** The address of a symbol of the process, as a number. */
export function addressOfSymbol(name: string): number {
  return Number(koffi.address(process_.symbol(name)))
}

/** The address of a buffer's first byte. Valid while the buffer lives: the caller keeps it. */
export function addressOfBuffer(bytes: Uint8Array): number {
  return Number(koffi.address(bytes))
}

/** memcpy(3): a wrong address crashes the process. */
export const memcpy = bindUnwatched('memcpy', 'void', ['uintptr_t', 'uintptr_t', 'size_t'])

/** A copy of what lies at an address, as long as its owner keeps it there. A wrong address crashes the process. */
export function copyMemory(address: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length)
  memcpy(addressOfBuffer(bytes), address, length)
  return bytes
}

/** A view of memory that is not JavaScript's own (mmap). Using it after munmap crashes the process. */
export function viewMemory(address: number, length: number): ArrayBuffer {
  return koffi.view(BigInt(address), length)
}

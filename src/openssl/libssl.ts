/**
 * The OpenSSL that is inside the running `node`, or that it is linked to, as
 * JavaScript functions. The only file besides kernel/libc.ts that speaks FFI.
 *
 * Pointers travel as plain numbers, as they do to libc; 0 is NULL. Whoever hands
 * memory over keeps it alive; whoever is handed something frees it.
 */
import koffi from 'koffi'

type CType = 'int' | 'long' | 'uint' | 'uint64_t' | 'size_t' | 'uintptr_t' | 'str' | 'void'
export type SslFunction = (...args: (number | string | null)[]) => number

/** Symbols of the process: `node` exports its own OpenSSL's; where it is linked to a shared one, they are that one's. */
const process_ = koffi.load(null)

/** A function by its symbol's name. Throws when this process has none of it. */
export function bindSsl(name: string, result: CType, args: readonly CType[]): SslFunction {
  return process_.func(name, result, [...args]) as unknown as SslFunction
}

/** What a build of OpenSSL may have left out: null where this one has. */
export function bindIfThere<T>(bind: () => T): T | null {
  try {
    return bind()
  } catch {
    return null
  }
}

/** A function that answers a text; null for NULL. */
export function bindText(name: string, args: readonly CType[]): (...args: (number | string | null)[]) => string | null {
  return process_.func(name, 'str', [...args]) as unknown as (...args: (number | string | null)[]) => string | null
}

export type Prototype = ReturnType<typeof koffi.proto>

/** What a function is that OpenSSL calls, in C: `int ready(uintptr_t ssl)`. Its name is its own among all. */
export function prototype(c: string): Prototype {
  return koffi.proto(c)
}

/** The address of a function of ours that OpenSSL may call, for as long as this process lives. */
export function callback(type: Prototype, call: (...args: number[]) => number): number {
  return Number(koffi.register(call, koffi.pointer(type)))
}

/** The same, of one that is handed a text and answers nothing. */
export function textCallback(type: Prototype, call: (pointer: number, text: string) => void): number {
  return Number(koffi.register(call, koffi.pointer(type)))
}

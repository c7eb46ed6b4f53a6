/**
 * Node's own fetch classes, taken before anything can stand in their place, and
 * what an object that stands for one of theirs needs.
 */
import * as workerThreads from 'node:worker_threads'

export const NativeRequest: typeof Request = globalThis.Request
export const NativeResponse: typeof Response = globalThis.Response
export const NativeHeaders: typeof Headers = globalThis.Headers
export const nativeFetch = globalThis.fetch

/**
 * Gives `standIn` (a class's prototype) every member that `native` has and it has
 * not: each asks the real object, made by `realOf`. So a member that a later Node
 * adds is there, and behaves as Node's own.
 */
export function standInFor(standIn: object, native: object, realOf: (self: never) => object): void {
  for (const key of Reflect.ownKeys(native)) {
    const { get, value, enumerable } = Object.getOwnPropertyDescriptor(native, key)!
    if (Object.hasOwn(standIn, key)) {
      Object.defineProperty(standIn, key, { enumerable })
    } else if (get !== undefined) {
      Object.defineProperty(standIn, key, { get: forwardedGetter(key, realOf), enumerable, configurable: true })
    } else if (typeof value === 'function') {
      const forwarded = forwardedMethod(key, realOf)
      Object.defineProperty(standIn, key, { value: forwarded, enumerable, configurable: true, writable: true })
    }
  }
  Object.setPrototypeOf(standIn, native)
}

function forwardedGetter(key: PropertyKey, realOf: (self: never) => object): (this: never) => unknown {
  return function (this: never) {
    return Reflect.get(realOf(this), key)
  }
}

function forwardedMethod(
  key: PropertyKey,
  realOf: (self: never) => object,
): (this: never, ...args: never[]) => unknown {
  return function (this: never, ...args: never[]) {
    const real = realOf(this)
    return Reflect.apply(Reflect.get(real, key), real, args)
  }
}

/** Makes `to` say what `from` says. The two may be the same list of fields, changed or not since they parted. */
export function copyHeaders(from: Headers, to: Headers): void {
  for (const name of [...to.keys()]) to.delete(name)
  for (const [name, value] of from) to.append(name, value)
}

/**
 * structuredClone refuses a real Request or Response, and so it must its stand-in
 * (which it would copy as an empty object). Node 20 has no means to say so, and
 * clones the real ones as well.
 */
export const markAsUncloneable: (value: object) => void =
  (workerThreads as { markAsUncloneable?: (value: object) => void }).markAsUncloneable ?? (() => {})

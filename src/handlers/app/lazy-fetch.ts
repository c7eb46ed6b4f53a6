/**
 * Puts the lazy Request and Response where apps find them: in the globals.
 *
 *     Request    as Node's, but unwraps a lazy Request it is given
 *     Response   as Node's, but makes a lazy Response where it can
 *     fetch      as Node's, but unwraps a lazy Request it is given
 *
 * Each is a Proxy of Node's own, so name, statics, prototype, `instanceof` and
 * subclassing are Node's: `class Mine extends Response` makes real ones. Not
 * installed, everything works with real objects, only slower.
 *
 * What is not covered: a method of Node's taken off its prototype and applied to
 * a lazy object (`Request.prototype.text.call(request)`) throws a TypeError.
 */
import { LazyRequest } from './lazy-request.ts'
import { LazyResponse, lazyResponse } from './lazy-response.ts'
import { NativeRequest, NativeResponse, nativeFetch } from './native-fetch.ts'

let isInstalled = false

/** Whether a handler may give out lazy Requests. */
export function isLazyFetchInstalled(): boolean {
  return isInstalled
}

/** Before the app is imported: it may take hold of the classes while it loads. Once is enough. */
export function installLazyFetch(): void {
  if (isInstalled) return
  isInstalled = true
  define(globalThis, 'Request', PatchedRequest)
  define(globalThis, 'Response', PatchedResponse)
  define(globalThis, 'fetch', patchedFetch)
  define(NativeResponse, 'json', json)
  // `response.constructor === Response`, for the real ones as for the lazy.
  for (const prototype of [NativeRequest.prototype, LazyRequest.prototype]) {
    define(prototype, 'constructor', PatchedRequest)
  }
  for (const prototype of [NativeResponse.prototype, LazyResponse.prototype]) {
    define(prototype, 'constructor', PatchedResponse)
  }
}

const PatchedRequest: typeof Request = new Proxy(NativeRequest, {
  construct(native, args, newTarget) {
    if (args.length > 0) args[0] = LazyRequest.unwrap(args[0])
    return Reflect.construct(native, args, newTarget === PatchedRequest ? native : newTarget)
  },
})

const PatchedResponse: typeof Response = new Proxy(NativeResponse, {
  construct(native, args, newTarget) {
    if (newTarget !== PatchedResponse) return Reflect.construct(native, args, newTarget)
    return lazyResponse(args[0], args[1]) ?? Reflect.construct(native, args)
  },
})

const patchedFetch: typeof fetch = new Proxy(nativeFetch, {
  apply(native, self, args) {
    if (args.length > 0) args[0] = LazyRequest.unwrap(args[0])
    return Reflect.apply(native, self, args)
  },
})

const nativeJson = NativeResponse.json

/** Response.json: Node's own where there is something to complain of. */
function json(...args: [data: unknown, init?: ResponseInit]): Response {
  const text = JSON.stringify(args[0])
  const response = text === undefined ? null : lazyResponse(text, args[1], 'application/json')
  return (response as Response | null) ?? nativeJson.apply(NativeResponse, args)
}

/** As it was, but for its value: the property stays as enumerable as it is. */
function define(owner: object, name: string, value: unknown): void {
  const enumerable = Object.getOwnPropertyDescriptor(owner, name)?.enumerable ?? false
  Object.defineProperty(owner, name, { value, enumerable, writable: true, configurable: true })
}

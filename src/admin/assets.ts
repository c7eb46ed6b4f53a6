/**
 * The status page's own files: the document, its style, its modules. Read once,
 * when the process starts; nothing is opened for a request, so there is no path to
 * get out of.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Reply } from '../handlers/handler.ts'

const FOLDER = new URL('page/', import.meta.url)

const TYPES: readonly (readonly [ending: RegExp, type: string])[] = [
  [/\.html$/, 'text/html; charset=utf-8'],
  [/\.css$/, 'text/css; charset=utf-8'],
  [/\.svg$/, 'image/svg+xml'],
  [/(?<!\.test)\.js$/, 'text/javascript; charset=utf-8'],
]

/**
 * Nothing from elsewhere, and no script or style but in files of ours: whatever a client has sent, a path, an address,
 * can be shown by the page and not become part of it.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** By the path at which each is answered; the document is `/`. */
export function readAssets(fields: readonly string[]): ReadonlyMap<string, Reply> {
  const assets = new Map<string, Reply>()
  for (const name of readdirSync(FOLDER)) {
    const type = TYPES.find(([ending]) => ending.test(name))?.[1]
    if (type === undefined) continue
    const body = readFileSync(new URL(name, FOLDER))
    const isDocument = name === 'page.html'
    const own = ['Content-Type', type, ...(isDocument ? ['Content-Security-Policy', PAGE_POLICY] : []), ...fields]
    assets.set(isDocument ? '/' : `/${name}`, { status: 200, fields: own, body })
  }
  return assets
}

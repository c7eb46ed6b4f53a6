/**
 * What Cache-Control says of a file (RFC 9111 §5.2), by its name: the operator's
 * rules first, then the guess that a hash in it means that it never changes.
 */
import type { StaticOptions } from '../../config/options.ts'
import { isHashedName } from './hashed-names.ts'

/** A year: for ever, as far as caches go. `immutable` (RFC 8246) has a reload not ask either. */
export const IMMUTABLE = 'public, max-age=31536000, immutable'

/** The value for a file, by its name beneath the root; null: nothing is said. */
export type CacheControl = (name: string) => string | null

export function createCacheControl(options: Pick<StaticOptions, 'cacheControl' | 'hashedNames'>): CacheControl {
  const rules = options.cacheControl.map(({ path, value }) => ({ pattern: patternOf(path), value }))
  return (name) => {
    const rule = rules.find(({ pattern }) => pattern.test(`/${name}`))
    if (rule !== undefined) return rule.value
    return options.hashedNames === 'immutable' && isHashedName(name) ? IMMUTABLE : null
  }
}

/** The whole path, '*' being any characters. Stars in a row are one: they would only cost time. */
function patternOf(path: string): RegExp {
  const pieces = path.split(/\*+/).map((piece) => piece.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
  return new RegExp(`^${pieces.join('.*')}$`, 's')
}

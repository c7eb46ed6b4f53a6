/**
 * What no single option has wrong, and two of them together have.
 *
 * Judged after all sources are laid over one another, for each half may come
 * from another source; the sentence names both, and says which to change.
 */
import { OperatorError, quote } from './operator-error.ts'
import type { Setting, Settings } from './settings.ts'
import type { OptionPath } from './table.ts'

/** Throws an OperatorError for the first contradiction. */
export function refuseContradictions(settings: Settings): void {
  for (const rule of RULES) {
    const sentence = rule((path) => settings.get(path)!)
    if (sentence !== null) throw new OperatorError(sentence)
  }
}

type Look = (path: OptionPath) => Setting

const RULES: readonly ((look: Look) => string | null)[] = [
  (look) => {
    const hsts = look('security.hsts')
    if (hsts.value === 'off' || look('tls.cert').value !== null) return null
    return (
      `${told(hsts)}, which is sent over TLS only, and there is no certificate; give tls.cert and tls.key, ` +
      'or, where a proxy in front has the TLS, headers: Strict-Transport-Security'
    )
  },
  (look) => tooMany(look, 'pool.minSpare', 'pool.maxSpare'),
  // The default of maxSpare may stand beside a small maxWorkers: a pool never has more idle workers than workers.
  (look) => (look('pool.maxSpare').isAsked ? tooMany(look, 'pool.maxSpare', 'pool.maxWorkers') : null),
  // The same: who wants a small cache, or none, need not say it twice.
  (look) =>
    look('static.cacheFileBytesMax').isAsked ? tooMany(look, 'static.cacheFileBytesMax', 'static.cacheBytes') : null,
  (look) => (look('model').value === 'prefork' ? tooMany(look, 'workers', 'pool.maxWorkers') : null),
  (look) => {
    if (look('model').value !== 'fork' || look('spawn').value !== 'exec') return null
    return `${told(look('model'))}, which needs fork(2), but ${told(look('spawn'))}; leave spawn out, or choose another model`
  },
  (look) => {
    const accept = look('accept')
    if (look('model').value !== 'fork' || !accept.isAsked || accept.value === 'parent') return null
    return `${told(accept)}, but ${told(look('model'))}, where the parent always accepts; leave accept out, or choose another model`
  },
  (look) => {
    const accept = look('accept')
    if (look('model').value !== 'prefork' || accept.value === 'shared') return null
    return (
      `${told(accept)}, but ${told(look('model'))}, whose workers take a connection each from one socket when they are idle; ` +
      'leave accept out, or choose the model event'
    )
  },
]

/** 'auto' is more than no number: it is counted, and kept within bounds, in load.ts. */
function tooMany(look: Look, fewer: OptionPath, more: OptionPath): string | null {
  const [low, high] = [look(fewer), look(more)]
  if (!((low.value as number) > (high.value as number))) return null
  return `${told(low)}, more than ${high.name}, which is ${quote(high.value)}; lower the one or raise the other`
}

function told({ name, value }: Setting): string {
  return `${name} is ${quote(value)}`
}

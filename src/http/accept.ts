/**
 * Accept, RFC 9110 §12.5.1: how much a client wants a media type.
 *
 *     Accept: text/html, application/json;q=0.9, text/*;q=0.1
 *
 * The most specific range that the type falls into decides. Parameters other than
 * q are passed over: nothing here is told apart by them.
 */

/** From 0 (not wanted) to 1. Without the field every type is wanted alike. */
export function qualityOf(accept: string | null, type: string, subtype: string): number {
  if (accept === null) return 1
  let best = 0
  let quality = 0
  for (const element of accept.toLowerCase().split(',')) {
    const [range = '', ...parameters] = element.split(';').map((part) => part.trim())
    const specificity = range === `${type}/${subtype}` ? 3 : range === `${type}/*` ? 2 : range === '*/*' ? 1 : 0
    if (specificity <= best) continue
    best = specificity
    quality = weightOf(parameters) ?? 0
  }
  return quality
}

/**
 * weight = OWS ";" OWS "q=" qvalue, RFC 9110 §12.4.2: 1 where there is none. Null for one that cannot be read ('q=abc',
 * 'q= 0'): who writes a weight mostly means less than 1, perhaps 0. So what it stands beside, a type or a coding, counts
 * as not wanted, and the client gets what it surely takes.
 */
export function weightOf(parameters: readonly string[]): number | null {
  const q = parameters.find((parameter) => /^q[ \t]*(?:=|$)/.test(parameter))
  if (q === undefined) return 1
  const value = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(q)?.[1]
  return value === undefined ? null : Number(value)
}

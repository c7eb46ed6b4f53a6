/**
 * The methods of RFC 9110 §9 and PATCH (RFC 5789), so that a request for one of them needs no new string.
 * Any other method is handed on as it was sent: whether a resource knows it is for its handler to say.
 */
import { latin1 } from './bytes.ts'

const BY_LENGTH: readonly (readonly string[])[] = [
  [],
  [],
  [],
  ['GET', 'PUT'],
  ['POST', 'HEAD'],
  ['PATCH', 'TRACE'],
  ['DELETE'],
  ['OPTIONS', 'CONNECT'],
]

export function methodNamed(input: Buffer, from: number, to: number): string {
  const candidates = to - from < BY_LENGTH.length ? BY_LENGTH[to - from] : []
  for (let i = 0; i < candidates.length; i++) if (spells(input, from, candidates[i])) return candidates[i]
  return latin1(input, from, to)
}

function spells(input: Uint8Array, from: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (input[from + i] !== word.charCodeAt(i)) return false
  return true
}

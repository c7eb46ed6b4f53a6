/**
 * The methods of RFC 9110 §9 and PATCH (RFC 5789), so that a request for one of them needs no new string.
 * Any other method is handed on as it was sent: whether a resource knows it is for its handler to say.
 */
import { latin1 } from './bytes.ts'

export function methodNamed(input: Buffer, from: number, to: number): string {
  return knownMethod(input, from, to - from) ?? latin1(input, from, to)
}

/** Whether a request of this method is about its content: POST, PUT (RFC 9110 §9.3) and PATCH (RFC 5789). */
export function needsContent(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

function knownMethod(input: Buffer, from: number, length: number): string | null {
  switch (length) {
    case 3:
      return spelled(input, from, 'GET') ?? spelled(input, from, 'PUT')
    case 4:
      return spelled(input, from, 'POST') ?? spelled(input, from, 'HEAD')
    case 5:
      return spelled(input, from, 'PATCH') ?? spelled(input, from, 'TRACE')
    case 6:
      return spelled(input, from, 'DELETE')
    case 7:
      return spelled(input, from, 'OPTIONS') ?? spelled(input, from, 'CONNECT')
    default:
      return null
  }
}

/** The word, if the input spells it here. Methods are case-sensitive, RFC 9110 §9.1. */
function spelled(input: Buffer, from: number, word: string): string | null {
  for (let i = 0; i < word.length; i++) if (input[from + i] !== word.charCodeAt(i)) return null
  return word
}

/**
 * HalfSipHash-2-4 with 64 bits of output (Aumasson and Bernstein): a hash with a
 * key, so that nobody who does not know the key can choose what collides. The
 * half-size SipHash is the one whose words are as large as JavaScript's integers.
 *
 * https://github.com/veorq/SipHash
 */
export interface HashKey {
  readonly low: number
  readonly high: number
}

export interface Hash {
  readonly low: number
  readonly high: number
}

/** Of a message of whole 32-bit words, as they lie in memory little-endian. All numbers here are 32-bit integers. */
export function halfSipHash({ low, high }: HashKey, words: readonly number[]): Hash {
  const state: State = { v0: low, v1: high ^ 0xee, v2: 0x6c796765 ^ low, v3: 0x74656462 ^ high }
  for (const word of words) absorb(state, word)
  absorb(state, (4 * words.length) << 24)
  state.v2 ^= 0xee
  rounds(state, 4)
  const first = state.v1 ^ state.v3
  state.v1 ^= 0xdd
  rounds(state, 4)
  return { low: first, high: state.v1 ^ state.v3 }
}

interface State {
  v0: number
  v1: number
  v2: number
  v3: number
}

function absorb(state: State, word: number): void {
  state.v3 ^= word
  rounds(state, 2)
  state.v0 ^= word
}

function rounds(state: State, count: number): void {
  let { v0, v1, v2, v3 } = state
  for (let i = 0; i < count; i++) {
    v0 = (v0 + v1) | 0
    v1 = rotate(v1, 5) ^ v0
    v0 = rotate(v0, 16)
    v2 = (v2 + v3) | 0
    v3 = rotate(v3, 8) ^ v2
    v0 = (v0 + v3) | 0
    v3 = rotate(v3, 7) ^ v0
    v2 = (v2 + v1) | 0
    v1 = rotate(v1, 13) ^ v2
    v2 = rotate(v2, 16)
  }
  state.v0 = v0
  state.v1 = v1
  state.v2 = v2
  state.v3 = v3
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

/**
 * Classic BPF as the kernel runs it on a packet: the instructions that
 * handshake-filter.ts uses, and no others. Whatever is loaded from beyond the
 * packet's end ends the program with 0.
 */
import { SKF_AD_HATYPE, SKF_AD_OFF, SKF_AD_PKTTYPE, SKF_AD_PROTOCOL } from '../kernel/constants.ts'
import type { BpfInstruction } from '../kernel/packet.ts'

/** A packet, and what the kernel knows of it besides. */
export interface Passing {
  readonly bytes: Buffer
  readonly protocol: number
  readonly packetType: number
  readonly hardwareType: number
}

/** How many bytes of the packet the program keeps; 0 for none. */
export function runBpf(program: readonly BpfInstruction[], passing: Passing): number {
  const { bytes } = passing
  const memory: number[] = []
  let [a, x] = [0, 0]
  for (let pc = 0; ; pc++) {
    const instruction = program[pc]
    if (instruction === undefined) throw new Error(`the program has no instruction ${pc}`)
    const { code, jt, jf, k } = instruction
    const loaded = loadedBy(code, k, x, passing)
    if (loaded === 'beyond') return 0
    if (loaded !== null) a = loaded
    else if (code === 0xb1) {
      if (k >= bytes.length) return 0
      x = 4 * (bytes[k]! & 0xf) // ldxb 4*([k]&0xf)
    } else if (code === 0x01) x = k
    else if (code === 0x61) x = memory[k]!
    else if (code === 0x02) memory[k] = a
    else if (code === 0x03) memory[k] = x
    else if (code === 0x1c) a = (a - x) >>> 0
    else if (code === 0x54) a = (a & k) >>> 0
    else if (code === 0x74) a >>>= k
    else if (code === 0x05) pc += k
    else if (code === 0x15) pc += a === k ? jt : jf
    else if (code === 0x1d) pc += a === x ? jt : jf
    else if (code === 0x45) pc += (a & k) !== 0 ? jt : jf
    else if (code === 0x06) return k
    else throw new Error(`instruction ${pc} has the unknown code 0x${code.toString(16)}`)
  }
}

/** Of the instructions that load A: what. Null for all others. */
function loadedBy(code: number, k: number, x: number, passing: Passing): number | 'beyond' | null {
  if (code === 0x20 && k >= SKF_AD_OFF >>> 0) {
    const which = k - (SKF_AD_OFF >>> 0)
    if (which === SKF_AD_PROTOCOL) return passing.protocol
    if (which === SKF_AD_PKTTYPE) return passing.packetType
    if (which === SKF_AD_HATYPE) return passing.hardwareType
    throw new Error(`nothing is known of ${which}`)
  }
  const size = { 32: 4, 40: 2, 48: 1, 64: 4, 72: 2, 80: 1 }[code]
  if (size === undefined) return null
  const at = (code & 0xe0) === 0x40 ? x + k : k
  return at + size > passing.bytes.length ? 'beyond' : passing.bytes.readUIntBE(at, size)
}

/**
 * Memory whose address may be handed to the kernel.
 *
 * A `Memory` owns its bytes: as long as the object is reachable the address is
 * valid, because the backing store of an ArrayBuffer never moves. Small typed
 * arrays may live inside V8's moving heap; these never do (`allocUnsafeSlow`
 * makes an ArrayBuffer of its own).
 */
import { addressOfBuffer } from './libc.ts'

export interface Memory {
  readonly bytes: Buffer
  /** The address of `bytes[0]`. */
  readonly address: number
}

/** Zeroed memory of `length` bytes. */
export function allocate(length: number): Memory {
  const bytes = Buffer.allocUnsafeSlow(length).fill(0)
  return { bytes, address: addressOfBuffer(bytes) }
}

/**
 * Memory around bytes that already exist. The kernel sees the same bytes: the
 * caller must not hand out a view of a pool that somebody else writes.
 */
export function memoryOf(bytes: Uint8Array): Memory {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { bytes: buffer, address: addressOfBuffer(bytes) }
}

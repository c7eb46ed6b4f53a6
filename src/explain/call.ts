/**
 * A system call as it was made, and what a table says of those of one name.
 */
import { errnoName } from '../kernel/errno.ts'
import type { CValue } from '../kernel/libc.ts'
import { decodeSockaddr, formatSocketAddress } from '../kernel/sockaddr.ts'
import type { Descriptors } from './descriptors.ts'

export interface Call {
  /** As its manual page has it. */
  readonly name: string
  readonly args: readonly CValue[]
  /** As the kernel answers: -errno for a failure. */
  readonly result: number
}

/** Memory that a call was given the address of. */
export interface MemoryReader {
  bytes(address: number, length: number): Buffer
  /** Up to its NUL. */
  text(address: number): string
}

export interface Context {
  readonly things: Descriptors
  readonly memory: MemoryReader
}

/** What is said of the calls of one name. */
export interface CallText {
  /** What stands between the parentheses. */
  readonly args: (call: Call, context: Context) => string
  /** The result of a call that has not failed, where the number does not say it. */
  readonly result?: (call: Call, context: Context) => string
  /** What is known of descriptors from here on. Before all else. */
  readonly learns?: (call: Call, context: Context) => void
  /** What is so from now on. After all else. */
  readonly leaves?: (call: Call, context: Context) => void
  /** Whether it is part of the story; if not, only those hear of it who want every call. */
  readonly isStory?: (call: Call, context: Context) => boolean
  /** What it is for, here and now. Of a failure, too, unless FAILURES has it. */
  readonly says?: (call: Call, context: Context) => string
}

export type CallTable = Readonly<Record<string, CallText>>

export const always = (): boolean => true

/** Argument `i` as a number. */
export function arg({ args }: Call, i: number): number {
  return Number(args[i] ?? 0)
}

/** `-1 EAGAIN`, as C sees it; or the number. */
export function resultText(result: number): string {
  return result < 0 ? `-1 ${errnoName(-result)}` : String(result)
}

/** A `struct sockaddr` of so many bytes: `127.0.0.1:8080`. */
export function addressAt(address: number, length: number, { memory }: Context): string {
  const bytes = memory.bytes(address, length)
  return addressText(formatSocketAddress(decodeSockaddr(bytes, 0, length)))
}

/** As `addressAt`, of an address that the kernel has written, and whose length it wrote beside it. */
export function addressWritten(address: number, lengthAddress: number, context: Context): string {
  return addressAt(address, context.memory.bytes(lengthAddress, 4).readUInt32LE(0), context)
}

/** Clients of Unix sockets have none. */
export function addressText(address: string): string {
  return address === '' ? 'a Unix socket' : address.replace('\0', '@')
}

/** Whether argument 0 is a descriptor of the story: one on which clients come, or are. */
export function isOfStory(call: Call, { things }: Context): boolean {
  const { kind } = things.get(arg(call, 0))
  return kind === 'socket' || kind === 'listener' || kind === 'connection'
}

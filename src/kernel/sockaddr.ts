/**
 * Addresses of sockets, and `struct sockaddr_*` as bytes.
 *
 * | struct | size | fields (offset) | header |
 * | --- | --- | --- | --- |
 * | sockaddr_in | 16 | family 0, port 2 (big-endian), addr 4 | netinet/in.h |
 * | sockaddr_in6 | 28 | family 0, port 2 (big-endian), flowinfo 4, addr 8, scope_id 24 | netinet/in.h |
 * | sockaddr_un | 110 | family 0, path 2 | sys/un.h |
 */
import { isIPv4, isIPv6 } from 'node:net'
import { AF_INET, AF_INET6, AF_UNIX } from './constants.ts'
import { allocate, type Memory } from './memory.ts'

export type SocketAddress =
  | { readonly family: 'IPv4'; readonly address: string; readonly port: number }
  | { readonly family: 'IPv6'; readonly address: string; readonly port: number }
  | { readonly family: 'Unix'; readonly path: string }

/** sys/un.h: `sun_path` holds 108 bytes, one of them the closing NUL. */
export const UNIX_PATH_MAX = 108
/** Enough for every family here. */
export const SOCKADDR_MAX = 128

/** An address for IPv4 or IPv6 text; a path is Unix. `port` is 0 to let the kernel choose. */
export function socketAddress(address: string, port = 0): SocketAddress {
  if (isIPv4(address)) return { family: 'IPv4', address, port }
  if (isIPv6(address)) return { family: 'IPv6', address, port }
  return { family: 'Unix', path: address }
}

/** The domain that socket(2) wants for an address. */
export function domainOf(address: SocketAddress): number {
  if (address.family === 'IPv4') return AF_INET
  return address.family === 'IPv6' ? AF_INET6 : AF_UNIX
}

/** `127.0.0.1:8080`, `[::1]:8080`, `/run/site.sock`. */
export function formatSocketAddress(address: SocketAddress): string {
  if (address.family === 'Unix') return address.path
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `${host}:${address.port}`
}

/** Whose it is, without the port: `127.0.0.1`, `::1`; all clients of Unix sockets are `unix:`. */
export function hostOf(address: SocketAddress): string {
  return address.family === 'Unix' ? 'unix:' : address.address
}

/** The address as the kernel reads it. */
export function encodeSockaddr(address: SocketAddress): Memory {
  if (address.family === 'Unix') return encodeUnix(address.path)
  const memory = allocate(address.family === 'IPv4' ? 16 : 28)
  memory.bytes.writeUInt16LE(domainOf(address), 0)
  memory.bytes.writeUInt16BE(address.port, 2)
  if (address.family === 'IPv4') writeIPv4(memory.bytes, 4, address.address)
  else writeIPv6(memory.bytes, 8, address.address)
  return memory
}

/** A path, or an abstract name when it opens with NUL (unix(7)). Throws RangeError when it does not fit. */
function encodeUnix(path: string): Memory {
  const name = Buffer.from(path)
  if (name.length >= UNIX_PATH_MAX) throw new RangeError(`socket path over ${UNIX_PATH_MAX - 1} bytes: ${path}`)
  const abstract = name[0] === 0
  const memory = allocate(2 + name.length + (abstract ? 0 : 1))
  memory.bytes.writeUInt16LE(AF_UNIX, 0)
  name.copy(memory.bytes, 2)
  return memory
}

/**
 * The address the kernel wrote into `bytes[at…]`, `length` bytes long. An unnamed
 * Unix socket has the path ''. For one that sends a datagram the kernel writes
 * nothing, not even the family, and says so with length 0.
 */
export function decodeSockaddr(bytes: Buffer, at: number, length: number): SocketAddress {
  if (length === 0) return { family: 'Unix', path: '' }
  switch (bytes.readUInt16LE(at)) {
    case AF_INET:
      return { family: 'IPv4', address: readIPv4(bytes, at + 4), port: bytes.readUInt16BE(at + 2) }
    case AF_INET6:
      return { family: 'IPv6', address: readIPv6(bytes, at + 8), port: bytes.readUInt16BE(at + 2) }
    default:
      return { family: 'Unix', path: bytes.toString('utf8', at + 2, at + length).replace(/\0+$/, '') }
  }
}

function writeIPv4(bytes: Buffer, at: number, text: string): void {
  text.split('.').forEach((part, i) => {
    bytes[at + i] = Number(part)
  })
}

export function readIPv4(bytes: Buffer, at: number): string {
  const word = bytes.readInt32BE(at)
  if (word !== lastIPv4) {
    lastIPv4 = word
    lastIPv4Text = `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
  }
  return lastIPv4Text
}

/** Whoever comes again, as a proxy before us does all the time, has his text already. */
let lastIPv4 = 0
let lastIPv4Text = '0.0.0.0'

/** RFC 4291 §2.2: eight groups, one `::`, an IPv4 tail. A zone (`%eth0`) is dropped: it is not part of the address. */
function writeIPv6(bytes: Buffer, at: number, text: string): void {
  const [head, tail] = text.split('%')[0]!.split('::')
  const before = groups(head!)
  const after = tail === undefined ? [] : groups(tail)
  const all = [...before, ...new Array(8 - before.length - after.length).fill(0), ...after]
  all.forEach((group, i) => {
    bytes.writeUInt16BE(group, at + 2 * i)
  })
}

function groups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a, b, c, d] = group.split('.').map(Number)
    return [(a! << 8) | b!, (c! << 8) | d!]
  })
}

/** RFC 5952: lower case, the longest run of zero groups as `::`; an IPv4-mapped address in dots. */
export function readIPv6(bytes: Buffer, at: number): string {
  const group = (i: number) => bytes.readUInt16BE(at + 2 * i)
  const mapped = [0, 1, 2, 3, 4].every((i) => group(i) === 0) && group(5) === 0xffff
  if (mapped) return `::ffff:${readIPv4(bytes, at + 12)}`
  const text = Array.from({ length: 8 }, (_, i) => group(i).toString(16))
  const { start, length } = longestZeroRun(text)
  if (length < 2) return text.join(':')
  return `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`
}

function longestZeroRun(text: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let i = 0; i <= text.length; i++) {
    if (text[i] === '0') continue
    if (i - start > best.length) best = { start, length: i - start }
    start = i + 1
  }
  return best
}

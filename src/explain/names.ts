/**
 * Numbers by the names that the kernel's headers give them (kernel/constants.ts).
 */
import * as constants from '../kernel/constants.ts'

/** Lowest bit first, whichever order a module's exports have. */
const ALL = Object.entries(constants as Readonly<Record<string, number>>).sort(([, a], [, b]) => (a >>> 0) - (b >>> 0))

/** `AF_INET` for 2 of 'AF_'; the number where none has it. */
export function nameOf(prefix: string, number: number): string {
  return ALL.find(([name, it]) => it === number && hasPrefix(name, prefix))?.[0] ?? String(number)
}

/** EPOLL_CTL_ADD is none of 'EPOLL', as EPOLLIN is. */
function hasPrefix(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && name[prefix.length] !== '_'
}

/** `MSG_DONTWAIT|MSG_NOSIGNAL`: the single bits of that prefix that are set, then what is left; `0` for none. */
export function namesOf(prefix: string, bits: number, none = '0'): string {
  const flags = ALL.filter(([name, bit]) => hasPrefix(name, prefix) && isOneBit(bit) && (bits & bit) !== 0)
  const names = flags.map(([name]) => name)
  const rest = flags.reduce((left, [, bit]) => left & ~bit, bits) >>> 0
  if (rest !== 0) names.push(`0x${rest.toString(16)}`)
  return names.length === 0 ? none : names.join('|')
}

function isOneBit(number: number): boolean {
  return number !== 0 && (number & (number - 1)) === 0
}

const TYPE_BITS = constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC

/** `SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC`: a kind, and two flags. */
export function socketType(type: number): string {
  const flags = namesOf('SOCK_', type & TYPE_BITS, '')
  return [nameOf('SOCK_', type & ~TYPE_BITS), ...(flags === '' ? [] : [flags])].join('|')
}

/** fcntl(2): what is asked of a descriptor. Seals, which F_ADD_SEALS takes, are called so, too. */
export function fcntlOperation(operation: number): string {
  const isOne = (name: string) => hasPrefix(name, 'F_') && !hasPrefix(name, 'F_SEAL_')
  return ALL.find(([name, it]) => it === operation && isOne(name))?.[0] ?? String(operation)
}

/** open(2): the lowest bits are a number, how it is opened. */
export function openFlags(flags: number): string {
  const others = namesOf('O_', flags & ~ACCESS_MODE, '')
  const access = nameOf('O_', flags & ACCESS_MODE)
  return others === '' ? access : `${access}|${others}`
}

const ACCESS_MODE = 3

/** The prefixes of a socket option's name, by its level. */
const OPTIONS: Readonly<Record<number, readonly [level: string, prefix: string]>> = {
  [constants.SOL_SOCKET]: ['SOL_SOCKET', 'SO_'],
  [constants.IPPROTO_TCP]: ['IPPROTO_TCP', 'TCP_'],
  [constants.IPPROTO_IPV6]: ['IPPROTO_IPV6', 'IPV6_'],
}

/** `SOL_SOCKET, SO_REUSEADDR`. */
export function socketOption(level: number, option: number): string {
  const [name, prefix] = OPTIONS[level] ?? [String(level), null]
  if (prefix === null) return `${name}, ${option}`
  const found = ALL.find(([it, number]) => number === option && hasPrefix(it, prefix) && !STATES.includes(it))
  return `${name}, ${found?.[0] ?? option}`
}

/** Of a TCP socket (net/tcp_states.h): no options, though they are called so. */
const STATES = ['TCP_ESTABLISHED', 'TCP_SYN_RECV', 'TCP_LISTEN']

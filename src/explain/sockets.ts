/**
 * How the calls read that make a socket, and take connections from it.
 *
 *     socket → bind → listen → accept4 → shutdown → close
 */
import { AF_INET, AF_INET6, AF_UNIX, SO_REUSEADDR, SO_REUSEPORT, SOCK_STREAM, SOL_SOCKET } from '../kernel/constants.ts'
import { EAGAIN } from '../kernel/errno.ts'
import {
  addressAt,
  addressWritten,
  arg,
  type Call,
  type CallTable,
  type CallText,
  type Context,
  isOfStory,
  resultText,
} from './call.ts'
import { CHANNEL } from './descriptors.ts'
import { nameOf, namesOf, socketOption, socketType } from './names.ts'

/** linux/net.h: the lowest four bits of a type are the kind. */
const TYPE_MASK = 0xf

const isForClients = (call: Call) =>
  [AF_INET, AF_INET6, AF_UNIX].includes(arg(call, 0)) && (arg(call, 1) & TYPE_MASK) === SOCK_STREAM

const socket: CallText = {
  args: (call) =>
    `${nameOf('AF_', arg(call, 0))}, ${socketType(arg(call, 1))}${arg(call, 2) === 0 ? '' : `, ${arg(call, 2)}`}`,
  learns: (call, { things }) => {
    if (call.result >= 0) things.set(call.result, isForClients(call) ? { kind: 'socket' } : CHANNEL)
  },
  isStory: isForClients,
  says: ({ result }) => `an endpoint, of no address yet; this process knows it by the number ${result}`,
}

const isOfAnyPort = (call: Call, context: Context) => addressAt(arg(call, 1), arg(call, 2), context).endsWith(':0')

const bind: CallText = {
  args: (call, context) => `${arg(call, 0)}, ${addressAt(arg(call, 1), arg(call, 2), context)}, ${arg(call, 2)}`,
  learns: (call, context) => {
    if (call.result < 0 || !isOfStory(call, context)) return
    context.things.set(arg(call, 0), { kind: 'socket', isOfAnyPort: isOfAnyPort(call, context) })
  },
  isStory: isOfStory,
  says: (call, context) =>
    `gives the endpoint its address${isOfAnyPort(call, context) ? '; port 0: the kernel chooses one' : ''}`,
}

const listen: CallText = {
  args: (call) => `${arg(call, 0)}, ${arg(call, 1)}`,
  learns: (call, { things }) => {
    const fd = arg(call, 0)
    const before = things.get(fd)
    if (call.result < 0 || before.kind !== 'socket') return
    things.forget(fd)
    const now = things.get(fd) // asked anew, the kernel tells its address
    if (now.kind === 'listener') things.set(fd, { ...now, isOfAnyPort: before.isOfAnyPort === true })
  },
  isStory: isOfStory,
  says: (call, { things }) => {
    const thing = things.get(arg(call, 0))
    if (thing.kind === 'channel') return 'from here on prefork reload, stop and status reach the server'
    const isTcp = thing.kind !== 'listener' || thing.address.includes(':')
    return isTcp
      ? `from here on the kernel answers SYNs by itself, and holds up to ${arg(call, 1)} finished handshakes for accept`
      : `from here on clients may connect, and the kernel holds up to ${arg(call, 1)} of them for accept`
  },
}

const accept4: CallText = {
  args: (call, context) => {
    const [fd, address, lengthAddress, flags] = [0, 1, 2, 3].map((i) => arg(call, i)) as [
      number,
      number,
      number,
      number,
    ]
    const peer = call.result < 0 || address === 0 ? 'NULL' : addressWritten(address, lengthAddress, context)
    return `${fd}, ${peer}, ${namesOf('SOCK_', flags)}`
  },
  learns: (call, context) => {
    const { things } = context
    if (call.result < 0) return
    if (things.get(arg(call, 0)).kind !== 'listener') return things.set(call.result, CHANNEL)
    const hasPeer = arg(call, 1) !== 0
    if (!hasPeer) return things.forget(call.result)
    const peer = addressWritten(arg(call, 1), arg(call, 2), context)
    things.set(call.result, { kind: 'connection', peer, isShared: false })
  },
  isStory: isOfStory,
  says: (call, { things }) => {
    if (call.result === -EAGAIN) return 'the queue is empty: nobody waits there, or another worker was faster'
    const thing = things.get(call.result)
    const peer = thing.kind === 'connection' ? thing.peer : '?'
    return `Accepted connection from ${peer}: the oldest in the queue gets a socket of its own, ${call.result}`
  },
}

const connect: CallText = {
  args: bind.args,
  isStory: isOfStory,
  says: (call, context) => {
    const isTcp = !addressAt(arg(call, 1), arg(call, 2), context).startsWith('/')
    return isTcp
      ? 'sends the SYN: here the server is a client itself'
      : 'is a client itself here: does somebody listen?'
  },
}

const shutdown: CallText = {
  args: (call) => `${arg(call, 0)}, ${nameOf('SHUT_', arg(call, 1))}`,
  isStory: isOfStory,
  says: () => 'says that nothing more will be sent: the FIN',
}

const close: CallText = {
  args: (call) => String(arg(call, 0)),
  isStory: (call, { things }) => {
    const thing = things.known(arg(call, 0))
    return thing !== null && thing.kind !== 'channel' && thing.kind !== 'other'
  },
  says: (call, { things }) => {
    const thing = things.known(arg(call, 0))
    switch (thing?.kind) {
      case 'listener':
        return `gives back this process's copy of the listener ${thing.address}`
      case 'connection':
        return thing.isShared
          ? 'gives back this copy of the connection; the process that answers has its own, so it lives on'
          : `ends the connection with ${thing.peer}; the number is free again`
      case 'file':
        return 'the file is not needed any more'
      default:
        return 'gives the number back'
    }
  },
  leaves: (call, { things }) => things.forget(arg(call, 0)),
}

const setsockopt: CallText = {
  args: (call, { memory }) => {
    const [fd, level, option, value, length] = [0, 1, 2, 3, 4].map((i) => arg(call, i)) as [
      number,
      number,
      number,
      number,
      number,
    ]
    const shown = length === 4 ? memory.bytes(value, 4).readInt32LE(0) : `${length} bytes`
    return `${fd}, ${socketOption(level, option)}, ${shown}`
  },
  isStory: (call, context) => REUSE.has(arg(call, 2)) && arg(call, 1) === SOL_SOCKET && isOfStory(call, context),
  says: (call) => REUSE.get(arg(call, 2)) ?? 'an option of the socket (socket(7), tcp(7))',
}

const REUSE: ReadonlyMap<number, string> = new Map([
  [SO_REUSEADDR, 'a restart need not wait until the connections of before are out of TIME_WAIT'],
  [SO_REUSEPORT, 'several sockets may have this address, and the kernel spreads clients over them'],
])

const getsockopt: CallText = {
  args: (call) => `${arg(call, 0)}, ${socketOption(arg(call, 1), arg(call, 2))}`,
  says: () => 'asks for an option of the socket',
}

const getpeername: CallText = {
  args: (call, context) => {
    const address = call.result < 0 ? 'NULL' : addressWritten(arg(call, 1), arg(call, 2), context)
    return `${arg(call, 0)}, ${address}`
  },
  says: () => 'asks who the other side is',
}

/** Part of the story when it tells which port the kernel has chosen. */
const getsockname: CallText = {
  args: getpeername.args,
  isStory: (call, { things }) => {
    const thing = things.get(arg(call, 0))
    return thing.kind === 'listener' && thing.isOfAnyPort === true
  },
  says: (call, context) => `asks for its address: ${addressWritten(arg(call, 1), arg(call, 2), context)}`,
  leaves: (call, { things }) => {
    const thing = things.get(arg(call, 0))
    if (thing.kind === 'listener') things.set(arg(call, 0), { ...thing, isOfAnyPort: false })
  },
}

const socketpair: CallText = {
  args: (call, { memory }) => {
    const pair = call.result < 0 ? 'NULL' : pairAt(call, memory).join(', ')
    return `${nameOf('AF_', arg(call, 0))}, ${socketType(arg(call, 1))}, [${pair}]`
  },
  learns: (call, { things, memory }) => {
    if (call.result === 0) for (const fd of pairAt(call, memory)) things.set(fd, CHANNEL)
  },
  says: () => 'two sockets joined to each other: what one process says, another hears',
}

function pairAt(call: Call, memory: Context['memory']): [number, number] {
  const bytes = memory.bytes(arg(call, 3), 8)
  return [bytes.readInt32LE(0), bytes.readInt32LE(4)]
}

export const SOCKETS: CallTable = {
  socket,
  bind,
  listen,
  accept4,
  connect,
  shutdown,
  close,
  setsockopt,
  getsockopt,
  socketpair,
  getsockname,
  getpeername,
}

/** What a failure means, where the call's own sentence would be wrong. */
const FAILURES: Readonly<Record<string, string>> = {
  ECHILD: 'there is no child',
  EINTR: 'a signal came first; the call is made again',
  EACCES: 'not permitted',
  EADDRINUSE: 'somebody else has this address',
  EADDRNOTAVAIL: 'this machine has no such address',
  ECONNRESET: 'the other side has cut the connection (RST)',
  EMFILE: 'this process may open no more descriptors',
  ENFILE: 'the machine has no descriptor left',
  ENOENT: 'there is no such file',
  EPIPE: 'the other side takes no more',
  EXDEV: 'it leads out of the root',
}

export function failureText(call: Call): string | null {
  if (call.result >= 0) return null
  return FAILURES[resultText(call.result).slice(3)] ?? null
}

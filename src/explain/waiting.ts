/**
 * How epoll reads: one process waits for many descriptors at once.
 */
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLHUP, EPOLLIN, EPOLLRDHUP } from '../kernel/constants.ts'
import { layout } from '../kernel/layout.ts'
import { arg, type Call, type CallTable, type CallText, type Context } from './call.ts'
import type { Thing } from './descriptors.ts'
import { nameOf, namesOf } from './names.ts'

interface Event {
  readonly fd: number
  readonly events: number
}

/** The event at an address: its data is the descriptor, or for a listener the complement of it (net/loop.ts). */
function eventIn(bytes: Buffer, at: number): Event {
  const data = bytes.readInt32LE(at + layout.epollEvent.data)
  return { fd: data < 0 ? ~data : data, events: bytes.readInt32LE(at + layout.epollEvent.events) }
}

/** So many are shown of one wait. */
const SHOWN_MAX = 4

const isOfClients = ({ kind }: Thing) => kind === 'listener' || kind === 'connection'

const epoll_create1: CallText = {
  args: (call) => namesOf('EPOLL_', arg(call, 0)),
  says: () => 'an empty list of descriptors to wait for',
}

const epoll_ctl: CallText = {
  args: (call, { memory }) => {
    const [epoll, op, fd, address] = [0, 1, 2, 3].map((i) => arg(call, i)) as [number, number, number, number]
    const { events } = eventIn(memory.bytes(address, layout.epollEvent.size), 0)
    const wanted = op === EPOLL_CTL_DEL ? '' : `, ${namesOf('EPOLL', events)}`
    return `${epoll}, ${nameOf('EPOLL_CTL_', op)}, ${fd}${wanted}`
  },
  isStory: (call, { things }) => {
    const thing = things.get(arg(call, 2))
    // Where workers share a listener, whoever has accepted goes to the end of the row (net/loop.ts): no news.
    return arg(call, 1) === EPOLL_CTL_ADD && isOfClients(thing) && !('isWatched' in thing && thing.isWatched)
  },
  says: (call, { things }) => {
    if (arg(call, 1) === EPOLL_CTL_DEL) return 'does not want to be told of it any more'
    const thing = things.get(arg(call, 2))
    if (thing.kind === 'listener') return `wants to be woken when a connection waits on ${thing.address}`
    return thing.kind === 'connection'
      ? `wants to be woken when ${thing.peer} has sent something`
      : 'wants to be woken when something happens there'
  },
  leaves: (call, { things }) => {
    const thing = things.get(arg(call, 2))
    if (thing.kind === 'listener') things.set(arg(call, 2), { ...thing, isWatched: true })
  },
}

const epoll_wait: CallText = {
  args: (call, context) => {
    const events = eventsOf(call, context)
    const texts = events.slice(0, SHOWN_MAX).map((it) => `${it.fd} ${namesOf('EPOLL', it.events)}`)
    if (events.length > SHOWN_MAX) texts.push('…')
    return `${arg(call, 0)}, [${texts.join(', ')}], ${arg(call, 2)}, ${arg(call, 3)}`
  },
  isStory: (call, context) => thingsOf(call, context).some(isOfClients),
  says: (call, context) => {
    if (call.result === 0) return 'nothing has happened in time'
    const news = eventsOf(call, context).flatMap((event) => newsOf(event, context))
    if (news.length === 0) return 'woken for something between the processes, or for Node'
    return `woken: ${news.slice(0, SHOWN_MAX).join('; ')}`
  },
}

function newsOf({ fd, events }: Event, { things }: Context): string[] {
  const thing = things.get(fd)
  if (thing.kind === 'listener') {
    // A Unix socket's is a path: connect(2) is all there is to it.
    const what = thing.address.startsWith('/') ? 'a client has connected' : 'a handshake is complete'
    return [`${what}, and a connection waits on ${thing.address}`]
  }
  if (thing.kind !== 'connection') return []
  if ((events & (EPOLLRDHUP | EPOLLHUP)) !== 0) return [`${thing.peer} has closed its side`]
  return [(events & EPOLLIN) !== 0 ? `something has arrived from ${thing.peer}` : `${thing.peer} can take more`]
}

function eventsOf(call: Call, { memory }: Context): Event[] {
  const { size } = layout.epollEvent
  const count = Math.max(0, call.result)
  const bytes = memory.bytes(arg(call, 1), count * size)
  return Array.from({ length: count }, (_, i) => eventIn(bytes, i * size))
}

function thingsOf(call: Call, context: Context): Thing[] {
  return eventsOf(call, context).map(({ fd }) => context.things.get(fd))
}

const poll: CallText = {
  args: (call, { memory }) => `[${memory.bytes(arg(call, 0), 4).readInt32LE(0)}], ${arg(call, 1)}, ${arg(call, 2)}`,
  says: () => 'asks whether something has happened already',
}

export const WAITING: CallTable = { epoll_create1, epoll_ctl, epoll_wait, poll }

/**
 * How the calls read that move bytes, or whole sockets, from one to another.
 *
 * Of what goes over a connection only the first line is told (heads.ts); of what
 * the processes of this server say to each other, only what kind of message it is.
 */
import { EAGAIN } from '../kernel/errno.ts'
import { oneLine } from '../log.ts'
import { arg, type Call, type CallTable, type CallText, type Context } from './call.ts'
import { LOOKED_AT_BYTES, requestLine, statusLine } from './heads.ts'
import { namesOf } from './names.ts'

/** The bytes of a call: how many of them were moved, or were to be. */
function bytesOf(call: Call, count: number, { memory }: Context): Buffer {
  return count <= 0 ? Buffer.alloc(0) : memory.bytes(arg(call, 1), Math.min(count, LOOKED_AT_BYTES))
}

function shown(line: string | null, bytes: number): string {
  return line === null ? `${Math.max(0, bytes)} bytes` : `"${line}"…`
}

function peerOf(call: Call, { things }: Context): string {
  const thing = things.get(arg(call, 0))
  return thing.kind === 'connection' ? thing.peer : 'the other side'
}

const FROM_OWN = 'a word from another process of this server'
const TO_OWN = 'a word to another process of this server'

const isOnConnection = (call: Call, { things }: Context) => things.get(arg(call, 0)).kind === 'connection'
const received = (call: Call, context: Context) =>
  isOnConnection(call, context) ? requestLine(bytesOf(call, call.result, context)) : null
const sent = (call: Call, context: Context) =>
  isOnConnection(call, context) ? statusLine(bytesOf(call, arg(call, 2), context)) : null

const recv: CallText = {
  args: (call, context) =>
    `${arg(call, 0)}, ${shown(received(call, context), call.result)}, ${arg(call, 2)}, ${namesOf('MSG_', arg(call, 3))}`,
  isStory: isOnConnection,
  says: (call, context) => {
    if (!isOnConnection(call, context)) return FROM_OWN
    if (call.result === 0) return 'the client has finished sending: its FIN has arrived'
    if (call.result === -EAGAIN) return 'nothing more has arrived yet; epoll will tell'
    const line = received(call, context)
    return line === null ? `more bytes from ${peerOf(call, context)}` : `Received request: ${line}`
  },
}

const send: CallText = {
  args: (call, context) =>
    `${arg(call, 0)}, ${shown(sent(call, context), arg(call, 2))}, ${arg(call, 2)}, ${namesOf('MSG_', arg(call, 3))}`,
  isStory: isOnConnection,
  says: (call, context) => {
    if (!isOnConnection(call, context)) return TO_OWN
    if (call.result === -EAGAIN) return 'the send buffer is full: the client has yet to take what it has'
    const left = arg(call, 2) - call.result
    const line = sent(call, context)
    const what =
      line === null ? `more of the response, to ${peerOf(call, context)}` : `Sent response to client: ${line}`
    return left === 0 ? what : `${what}; ${left} bytes did not fit, and wait`
  },
}

const sendfile: CallText = {
  args: (call, { memory }) => {
    const offset = memory.bytes(arg(call, 2), 8).readBigUInt64LE(0)
    return `${arg(call, 0)}, ${arg(call, 1)}, ${offset}, ${arg(call, 3)}`
  },
  isStory: isOnConnection,
  says: (call, { things }) => {
    if (call.result === -EAGAIN) return 'the send buffer is full: the client has yet to take what it has'
    const file = things.get(arg(call, 1))
    return `the kernel itself copies ${file.kind === 'file' ? oneLine(file.path) : 'the file'} into the socket`
  },
}

// ── messages that carry descriptors ──────────────────────────────────────────

/** Of struct msghdr and struct cmsghdr, as kernel/message.ts has them. */
const IOV = 16
const CONTROL = 32
const CONTROL_LENGTH = 40
const MSGHDR_BYTES = 56
const CMSG_HEADER = 16

interface Message {
  readonly type: string | null
  readonly fds: readonly number[]
}

function messageAt(call: Call, count: number, { memory }: Context): Message {
  const header = memory.bytes(arg(call, 1), MSGHDR_BYTES)
  const text =
    count <= 0 ? '' : memory.bytes(addressIn(memory.bytes(addressIn(header, IOV), 8), 0), Math.min(count, 64))
  const type = /^\{"type":"(\w+)"/.exec(text.toString('latin1'))?.[1] ?? null
  const length = header.readUInt32LE(CONTROL_LENGTH)
  if (count <= 0 || length < CMSG_HEADER || addressIn(header, CONTROL) === 0) return { type, fds: [] }
  const control = memory.bytes(addressIn(header, CONTROL), length)
  const fds = Math.floor((control.readUInt32LE(0) - CMSG_HEADER) / 4)
  return { type, fds: Array.from({ length: fds }, (_, i) => control.readInt32LE(CMSG_HEADER + 4 * i)) }
}

function addressIn(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}

function messageText(call: Call, { type, fds }: Message): string {
  const what = type === null ? '…' : `"${type}"`
  return `${arg(call, 0)}, {${[what, ...(fds.length === 0 ? [] : [`SCM_RIGHTS [${fds.join(', ')}]`])].join(', ')}}`
}

/** `the listener 127.0.0.1:8080 as 12`; the channels that go with it are left out. */
function cargo(fds: readonly number[], { things }: Context): string {
  const named = fds.flatMap((fd) => {
    const thing = things.get(fd)
    if (thing.kind === 'listener') return [`the listener ${thing.address}`]
    return thing.kind === 'connection' ? [`the connection with ${thing.peer}`] : []
  })
  return named.length === 0 ? 'a channel of its own' : named.join(', ')
}

const sendmsg: CallText = {
  args: (call, context) => messageText(call, messageAt(call, call.result, context)),
  learns: (call, context) => {
    for (const fd of messageAt(call, call.result, context).fds) context.things.share(fd)
  },
  isStory: (call, context) => messageAt(call, call.result, context).fds.length > 0,
  says: (call, context) => {
    const { type, fds } = messageAt(call, call.result, context)
    if (fds.length === 0) return TO_OWN
    const order = type === 'fork' ? 'orders a worker, and hands over ' : 'hands over to another process '
    return order + cargo(fds, context)
  },
}

const recvmsg: CallText = {
  args: (call, context) => messageText(call, messageAt(call, call.result, context)),
  learns: (call, context) => {
    for (const fd of messageAt(call, call.result, context).fds) context.things.forget(fd)
  },
  isStory: (call, context) => messageAt(call, call.result, context).fds.length > 0,
  says: (call, context) => {
    const { fds } = messageAt(call, call.result, context)
    if (call.result === -EAGAIN) return 'nothing more has been said'
    if (fds.length === 0) return FROM_OWN
    return `receives ${cargo(fds, context)}, under ${fds.length === 1 ? 'a number' : 'numbers'} of its own`
  },
}

export const TRAFFIC: CallTable = { recv, send, sendfile, sendmsg, recvmsg }

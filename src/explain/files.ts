/**
 * How the calls read that find and read what is served.
 */

import { oneLine } from '../log.ts'
import { arg, type Call, type CallTable, type CallText, type Context } from './call.ts'
import { namesOf, openFlags } from './names.ts'

const quoted = (path: string) => JSON.stringify(path).replace(/[\x7f-\x9f\u2028\u2029]/g, oneLine)

const isOnFile = (call: Call, { things }: Context) => things.known(arg(call, 0))?.kind === 'file'

/** `struct open_how { u64 flags, mode, resolve; }` */
const openat2: CallText = {
  args: (call, { memory }) => {
    const how = memory.bytes(arg(call, 2), 24)
    const text = `{${openFlags(how.readUInt32LE(0))}, ${namesOf('RESOLVE_', how.readUInt32LE(16))}}`
    return `${arg(call, 0)}, ${quoted(memory.text(arg(call, 1)))}, ${text}`
  },
  learns: (call, { things, memory }) => {
    if (call.result >= 0) things.set(call.result, { kind: 'file', path: memory.text(arg(call, 1)) })
  },
  isStory: () => true,
  says: () => 'finds a file beneath the root: whatever leads out of it, the kernel refuses',
}

const open: CallText = {
  args: ({ args }) => `${quoted(String(args[0]))}, ${openFlags(Number(args[1]))}`,
  learns: ({ result, args }, { things }) => {
    if (result >= 0) things.set(result, { kind: 'other', what: String(args[0]) })
  },
}

const pread: CallText = {
  args: (call) => `${arg(call, 0)}, ${Math.max(0, call.result)} bytes, ${arg(call, 2)}, ${arg(call, 3)}`,
  isStory: isOnFile,
  says: ({ result }) => (result === 0 ? 'the file ends here' : 'reads the file into memory'),
}

const fstat: CallText = { args: (call) => String(arg(call, 0)), says: () => 'asks what it is, how long, how old' }

const newfstatat: CallText = {
  args: (call, { memory }) => `${arg(call, 0)}, ${quoted(memory.text(arg(call, 1)))}`,
  says: () => 'asks what stands there, without opening it',
}

const memfd_create: CallText = {
  args: ({ args }) => quoted(String(args[0])),
  learns: ({ result, args }, { things }) => {
    if (result >= 0) things.set(result, { kind: 'other', what: String(args[0]) })
  },
  says: () => 'a file without a name, in memory: for what a child is to know',
}

export const FILES: CallTable = { openat2, open, pread, fstat, newfstatat, memfd_create }

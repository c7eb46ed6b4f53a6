/**
 * How the calls read by which processes are made, told and ended, and become
 * somebody else.
 */
import { signalName } from '../kernel/process.ts'
import { oneLine } from '../log.ts'
import { always, arg, type Call, type CallTable, type CallText, type Context } from './call.ts'

const fork: CallText = {
  args: () => '',
  learns: ({ result }, { things }) => {
    if (result > 0) things.shareAll()
  },
  isStory: always,
  says: ({ result }) => {
    if (result < 0) return 'no child was born'
    return result === 0
      ? 'the child: a copy of its parent, in which the same call answers 0'
      : `one process becomes two; the parent is told the child's pid, ${result}`
  },
}

/** It answers 0 or an errno; the pid is written where the first argument points. */
const posix_spawn: CallText = {
  args: ({ args }) => {
    const program = (args[4] as readonly (string | null)[]).findLast((word) => word?.endsWith('.js')) ?? ''
    return `"${String(args[1])}" … "${program.split('/').slice(-2).join('/')}"`
  },
  result: (call, { memory }) => (call.result === 0 ? `0, pid ${pidAt(call, memory)}` : String(call.result)),
  isStory: always,
  says: () => 'starts another program, with a memory of its own',
}

function pidAt(call: Call, memory: Context['memory']): number {
  return memory.bytes(arg(call, 0), 4).readInt32LE(0)
}

const waitpid: CallText = {
  args: (call, { memory }) => {
    const status = call.result > 0 ? howItEnded(memory.bytes(arg(call, 1), 4).readInt32LE(0)) : 'NULL'
    return `${arg(call, 0)}, ${status}, ${arg(call, 2) === 0 ? '0' : 'WNOHANG'}`
  },
  isStory: ({ result }) => result > 0,
  says: ({ result }) =>
    result > 0 ? `child ${result} has ended, and now its parent knows how` : 'asks whether a child has ended',
}

/** As the macros of waitpid(2) read the status. */
function howItEnded(status: number): string {
  const signal = status & 0x7f
  return signal === 0 ? `exit code ${(status >> 8) & 0xff}` : signalName(signal)
}

const kill: CallText = {
  args: (call) => `${arg(call, 0)}, ${arg(call, 1) === 0 ? '0' : signalName(arg(call, 1))}`,
  isStory: (call) => arg(call, 1) !== 0,
  says: (call) =>
    arg(call, 1) === 0 ? 'asks whether the process is there' : `tells process ${arg(call, 0)} by a signal`,
}

const _exit: CallText = {
  args: (call) => String(arg(call, 0)),
  result: () => '?',
  isStory: always,
  says: () => 'the process ends; whatever it still had open is closed by the kernel',
}

const identity = (what: string): CallText => ({
  args: ({ args }) => args.map((it) => oneLine(String(it))).join(', '),
  isStory: always,
  says: () => what,
})

export const PROCESSES: CallTable = {
  fork,
  posix_spawn,
  waitpid,
  kill,
  _exit,
  setgroups: { ...identity('gives up the groups of whoever started it'), args: (call) => `${arg(call, 0)}, …` },
  initgroups: identity('takes on the groups of that user'),
  setgid: identity('takes on that group, for good'),
  setuid: identity('becomes that user, for good'),
}

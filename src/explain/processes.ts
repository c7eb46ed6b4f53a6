/**
 * How the calls read by which processes are made, told and ended, and become
 * somebody else.
 */
import { SIGKILL, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 } from '../kernel/constants.ts'
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
  args: ({ args }) => `"${String(args[1])}" … "${programOf(args).split('/').slice(-2).join('/')}"`,
  result: (call, { memory }) => (call.result === 0 ? `0, pid ${pidAt(call, memory)}` : String(call.result)),
  isStory: always,
  says: ({ args }) => PROGRAMS.find(([program]) => programOf(args).endsWith(program))?.[1] ?? SUCCESSOR,
}

/** What the supervisor starts (supervisor/children.ts). */
const PROGRAMS: readonly (readonly [program: string, says: string])[] = [
  ['preloader/main.js', 'starts the preloader, which loads the app once and forks the workers'],
  ['worker/main.js', 'starts a worker as a program of its own, which loads the app itself'],
  ['supervisor/read-config.js', 'starts a program that reads the configuration anew'],
]
const SUCCESSOR = 'starts this server once more, to take its place'

/** Behind `node`, its flags, and what explains it. */
function programOf(args: Call['args']): string {
  const words = (args[4] as readonly (string | null)[]).filter((word) => word !== null)
  const isOurs = (word: string) => PROGRAMS.some(([program]) => word.endsWith(program))
  return words.find(isOurs) ?? words.find((word, i) => i > 0 && !word.startsWith('-')) ?? ''
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
  says: (call) => {
    if (arg(call, 1) === 0) return 'asks whether the process is there'
    return `tells process ${arg(call, 0)} by a signal: ${MEANINGS.get(arg(call, 1)) ?? 'something has happened'}`
  },
}

/** What signals mean in this server. */
const MEANINGS: ReadonlyMap<number, string> = new Map([
  [SIGTERM, 'stop now'],
  [SIGQUIT, 'answer what you have begun, then go'],
  [SIGUSR1, 'open your log anew'],
  [SIGUSR2, 'somebody needs your place'],
  [SIGKILL, 'the kernel ends it, whatever it does'],
])

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

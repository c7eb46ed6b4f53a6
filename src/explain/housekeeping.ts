/**
 * How the calls read that tell no part of the story: memory, signals, flags of
 * descriptors. Only those hear of them who want every call.
 */
import {
  F_ADD_SEALS,
  F_GET_SEALS,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
} from '../kernel/constants.ts'
import { signalName } from '../kernel/process.ts'
import { arg, type Call, type CallTable, type CallText } from './call.ts'
import { fcntlOperation, nameOf, namesOf } from './names.ts'

/** Where something lies in memory. */
const pointer = (address: number) => (address === 0 ? 'NULL' : `0x${address.toString(16)}`)
const numbers = ({ args }: Call) => args.map(String).join(', ')
const asked = (says: string): CallText => ({ args: numbers, says: () => says })

const mmap: CallText = {
  args: (call) => {
    const [address, length, protection, flags, fd, offset] = [0, 1, 2, 3, 4, 5].map((i) => arg(call, i))
    return `${pointer(address!)}, ${length}, ${namesOf('PROT_', protection!)}, ${namesOf('MAP_', flags!)}, ${fd}, ${offset}`
  },
  result: ({ result }) => pointer(result),
  says: (call) =>
    arg(call, 4) < 0 ? 'memory in pages of its own' : 'memory that other processes of this server see as well',
}

const munmap: CallText = {
  args: (call) => `${pointer(arg(call, 0))}, ${arg(call, 1)}`,
  says: () => 'gives that memory back',
}

const prctl: CallText = {
  args: (call) => `${nameOf('PR_', arg(call, 0))}, ${arg(call, 1)}`,
  says: (call) => PROCESS_OPTIONS.get(arg(call, 0)) ?? 'an option of the process',
}

const PROCESS_OPTIONS: ReadonlyMap<number, string> = new Map([
  [PR_SET_CHILD_SUBREAPER, 'children whose parent dies become children of this process'],
  [PR_SET_PDEATHSIG, 'the signal that comes when the parent dies'],
  [PR_SET_DUMPABLE, 'its own user may look into it'],
  [PR_SET_NO_NEW_PRIVS, 'no program that it starts gains rights, for good'],
])

const signal: CallText = {
  args: (call) => `${signalName(arg(call, 0))}, ${['SIG_DFL', 'SIG_IGN'][arg(call, 1)] ?? pointer(arg(call, 1))}`,
  result: ({ result }) => pointer(result),
  says: (call) => (arg(call, 1) === 0 ? 'that signal means what it always does' : 'that signal is nothing to it'),
}

const sigprocmask: CallText = {
  args: (call, { memory }) => {
    const set = memory.bytes(arg(call, 1), 8).readBigUInt64LE(0)
    const signals = Array.from({ length: 64 }, (_, i) => i + 1).filter((it) => (set >> BigInt(it - 1)) & 1n)
    return `${['SIG_BLOCK', 'SIG_UNBLOCK', 'SIG_SETMASK'][arg(call, 0)]}, [${signals.map(signalName).join(', ')}]`
  },
  says: (call) => (arg(call, 0) === 0 ? 'those signals have to wait' : 'those signals may come'),
}

const fcntl: CallText = {
  args: (call) => {
    const [fd, operation, argument] = [0, 1, 2].map((i) => arg(call, i))
    const text = operation === F_ADD_SEALS ? namesOf('F_SEAL_', argument!) : String(argument)
    return `${fd}, ${fcntlOperation(operation!)}, ${text}`
  },
  says: (call) => ABOUT_SEALS[arg(call, 1)] ?? FLAG,
}

const FLAG = 'a flag of the descriptor: whether a program started from here gets it, for one'
const ABOUT_SEALS: Readonly<Record<number, string>> = {
  [F_ADD_SEALS]: 'seals the file: nobody can change it any more',
  [F_GET_SEALS]: 'asks whether the file is sealed',
}

const moved = (says: string): CallText => ({
  args: (call) => `${arg(call, 0)}, ${Math.max(0, call.result)} bytes, ${arg(call, 2)}`,
  says: () => says,
})

export const HOUSEKEEPING: CallTable = {
  mmap,
  munmap,
  prctl,
  signal,
  sigprocmask,
  fcntl,
  read: moved('reads from a file, a pipe or a socket'),
  write: moved('writes to a file, a pipe or a socket'),
  readlinkat: { args: (call) => `${arg(call, 0)}, ""`, says: () => 'asks where a symbolic link leads' },
  ftruncate: asked('makes it that long'),
  fallocate: asked('gives memory back that nobody needs any more'),
  fchmod: asked('says who may open the file'),
  flock: asked('locks the file for this process'),
  pidfd_open: asked('a descriptor that can be read once that process has ended'),
  getpid: asked('asks for its own pid'),
  getppid: asked('asks for the pid of its parent'),
  getuid: asked('asks who it is'),
  geteuid: asked('asks whose rights it has'),
  sleep: asked('sleeps for so many seconds'),
  ioctl: {
    args: (call) => `${arg(call, 0)}, 0x${arg(call, 1).toString(16)}`,
    says: () => 'asks what no other call tells',
  },
  getdents64: { args: (call) => `${arg(call, 0)}, ${arg(call, 2)}`, says: () => 'reads what is in a directory' },
}

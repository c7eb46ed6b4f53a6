/**
 * Tells of the system calls of one process, line by line, as they are made
 * (`prefork explain`). What is said of which call stands in tables: sockets.ts,
 * traffic.ts, waiting.ts, processes.ts, files.ts, housekeeping.ts.
 *
 *     kernel/libc.ts → hear → does it tell the story? → its text → one write(2)
 *
 * It changes nothing for whoever made the call, and never ends a process: what
 * cannot be told is not told. A forked child has a copy of it, with what it knows.
 */
import { layout } from '../kernel/layout.ts'
import { type Call, type CallTable, type CallText, type Context, resultText } from './call.ts'
import { Descriptors, type Thing } from './descriptors.ts'
import type { Teller } from './explained.ts'
import { FILES } from './files.ts'
import { HOUSEKEEPING } from './housekeeping.ts'
import { lineOf, remark } from './line.ts'
import type { Mode } from './mode.ts'
import { PROCESSES } from './processes.ts'
import { failureText, SOCKETS } from './sockets.ts'
import { TRAFFIC } from './traffic.ts'
import { WAITING } from './waiting.ts'

/** What it needs of the machine; a test has another. */
export interface NarratorOs {
  write(lines: string): void
  /** What an inherited descriptor is. */
  ask(fd: number): Thing
  readonly memory: Context['memory']
  pid(): number
}

const TEXTS: CallTable = { ...SOCKETS, ...TRAFFIC, ...WAITING, ...PROCESSES, ...FILES, ...HOUSEKEEPING }

/** Functions of libuv and of libc that are no calls to the kernel; or that make one which is told by itself. */
const NO_CALLS = /^(uv_|posix_spawn_file_actions_|posix_spawnattr_|getpw|getgr)/

/** By what number libc was asked for those that it has no function for. */
const NAMES_OF_NUMBERS: ReadonlyMap<number, string> = new Map(
  Object.entries(layout).flatMap(([name, number]) =>
    name.startsWith('SYS_') ? [[Number(number), name.slice('SYS_'.length)] as const] : [],
  ),
)

/** Calls nobody has a word for: their arguments as numbers. */
const UNKNOWN: CallText = { args: ({ args }) => args.map((it) => shownArgument(it)).join(', ') }

/** Functions of libc, which makes other calls of them. All others are the kernel's: section 2 of the manual. */
const SECTION_3 = ['posix_spawn', 'initgroups', 'sleep']

export class Narrator implements Teller {
  readonly #mode: Mode
  readonly #os: NarratorOs
  readonly #context: Context
  #name: string
  #pid: number
  /** Not for those who want the story alone. */
  #isAside = false
  /** Calls of which the manual page has been named. */
  readonly #named = new Set<string>()

  constructor(mode: Mode, os: NarratorOs) {
    this.#mode = mode
    this.#os = os
    this.#name = mode.name
    this.#pid = os.pid()
    this.#context = { things: new Descriptors((fd) => os.ask(fd)), memory: os.memory }
  }

  hear(heard: Call): void {
    if (NO_CALLS.test(heard.name)) return
    const call = heard.name === 'syscall' ? byItsName(heard) : heard
    const text = Object.hasOwn(TEXTS, call.name) ? TEXTS[call.name]! : UNKNOWN
    if (call.name === 'fork' && call.result === 0) this.#beBorn()
    try {
      text.learns?.(call, this.#context)
      if (this.#isTold(call, text)) this.#tell(call, text)
      text.leaves?.(call, this.#context)
    } catch (error) {
      // A mistake of ours, in a process that has something to do.
      this.#os.write(remark(this.#name, this.#pid, `${call.name}: cannot be told (${error})`, this.#mode.look))
    }
  }

  rename(name: string): void {
    this.#name = name
  }

  turnAside(what: string): void {
    this.#os.write(remark(this.#name, this.#pid, this.#mode.isAll ? what : `${what} (--all tells it)`, this.#mode.look))
    this.#isAside = true
  }

  turnBack(): void {
    this.#isAside = false
  }

  /** This is the child, and no worker yet. */
  #beBorn(): void {
    this.#name = 'child'
    this.#pid = this.#os.pid()
  }

  #isTold(call: Call, text: CallText): boolean {
    if (this.#mode.isAll) return true
    return !this.#isAside && (text.isStory?.(call, this.#context) ?? false)
  }

  #tell(call: Call, text: CallText): void {
    const hasFailed = call.result < 0
    const says = failureText(call) ?? text.says?.(call, this.#context) ?? ''
    const told = {
      name: this.#name,
      pid: this.#pid,
      call: call.name,
      args: text.args(call, this.#context),
      result: hasFailed ? resultText(call.result) : (text.result?.(call, this.#context) ?? resultText(call.result)),
      hasFailed,
      says: says === '' ? '' : `${says}${this.#pageOf(call.name)}`,
    }
    this.#os.write(lineOf(told, this.#mode.look))
  }

  /** Where to read on, said once. */
  #pageOf(name: string): string {
    if (this.#named.has(name)) return ''
    this.#named.add(name)
    return ` (man ${SECTION_3.includes(name) ? 3 : 2} ${name})`
  }
}

function byItsName({ args: [number, ...args], result }: Call): Call {
  return { name: NAMES_OF_NUMBERS.get(Number(number)) ?? 'syscall', args, result }
}

/** Addresses in hexadecimal; of texts nobody knows what they are. */
function shownArgument(argument: Call['args'][number]): string {
  if (argument === null) return 'NULL'
  if (typeof argument !== 'number') return '…'
  return Math.abs(argument) > 0xffff_ffff ? `0x${argument.toString(16)}` : String(argument)
}

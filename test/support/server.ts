/**
 * A whole server under test: `bin/prefork`, started as a person starts it, and
 * everything that may go wrong around a test without the test looking.
 *
 *     const server = await startServer(t, { files: { 'site/a.txt': 'a' }, args: ['site'] })
 *     await fetch(`${server.url}/a.txt`)
 *
 * It listens on a free port, in a folder of its own that holds `files`. When the
 * test ends the server is told to stop, and the test fails unless it exits as
 * planned, leaves no process behind and has logged nothing but what was planned
 * (`expectLog`).
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { processState } from './processes.ts'
import { type Exit, Program, type ProgramOptions, waitUntil } from './program.ts'

/** Tests run at the root of the repository. */
export const PREFORK = resolve('bin/prefork')

export interface CommandOptions {
  /** After `prefork`. */
  readonly args?: readonly string[]
  /** Written below the folder in which the command runs: path to contents. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  /** The folder to run in; one of its own, gone with the test, by default. */
  readonly cwd?: string
  /** Added to the environment, which is otherwise ours without HOST, PORT and WEB_CONCURRENCY. */
  readonly env?: NodeJS.ProcessEnv
  /** Given to `node` itself. */
  readonly nodeFlags?: readonly string[]
  /** What to run in place of `node bin/prefork`. */
  readonly command?: readonly string[]
  /** In a process group of its own: see `interrupt`. */
  readonly ownGroup?: boolean
  /** Descriptors of ours that it gets as 3, 4, 5, … */
  readonly fds?: readonly number[]
}

export interface ServerOptions extends CommandOptions {
  /** Lines of stderr that may come, beside those of stopping. */
  readonly log?: readonly RegExp[]
  /** False: the port is chosen by what the test gives. True by default: `--port 0` unless there is a --port. */
  readonly anyPort?: boolean
}

/** What a command said, once it and all its processes have ended. */
export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string[]
  readonly stderr: string[]
}

export class Server {
  readonly program: Program
  /** The folder it runs in. */
  readonly cwd: string
  readonly port: number
  /** `127.0.0.1:40123`, as the server named it. */
  readonly authority: string
  readonly url: string
  readonly #mark: string
  readonly #planned: RegExp[]
  #end: Promise<Outcome> | null = null

  constructor(program: Program, cwd: string, mark: string, authority: string, planned: readonly RegExp[]) {
    this.program = program
    this.cwd = cwd
    this.#mark = mark
    this.authority = authority
    this.port = Number(authority.slice(authority.lastIndexOf(':') + 1))
    this.url = `http://${authority}`
    this.#planned = [/ info supervisor .*: SIG\w+: (stopping|draining)$/, ...planned]
  }

  /** The supervisor's; once that has been upgraded and is gone, its successor's. Asked of /proc: Node hears of an end later. */
  get pid(): number {
    return this.supervisors()[0] ?? this.program.pid
  }

  /** Lines of stderr that match are part of the test. */
  expectLog(...patterns: readonly RegExp[]): void {
    this.#planned.push(...patterns)
  }

  /** Waits for such a line on stderr, which is thereby planned. */
  async waitForLog(pattern: RegExp): Promise<string> {
    this.expectLog(pattern)
    const found = () => this.program.stderr.find((line) => pattern.test(line))
    await waitUntil(() => found() !== undefined, `stderr says ${pattern}; it says\n${this.program.stderr.join('\n')}`)
    return found()!
  }

  /** Its log so far, without what every start says. */
  get log(): string[] {
    return this.program.stderr.filter((line) => !OF_THE_START.test(line))
  }

  /** The pids of every living process of the server, its supervisor's among them. */
  processes(): number[] {
    return markedProcesses(this.#mark)
  }

  /** The pids of its workers, by the titles they give themselves. */
  workers(): number[] {
    return this.#titled(/^prefork: worker/)
  }

  /** Those of them that accept. */
  readyWorkers(): number[] {
    return this.#titled(/^prefork: worker \d+$/)
  }

  /** Those that have heard that they are to end. */
  drainingWorkers(): number[] {
    return this.#titled(/^prefork: worker \d+ \(draining\)$/)
  }

  /** One, but in an upgrade: then the elder, whose child the successor is, comes first. */
  supervisors(): number[] {
    const pids = this.#titled(/^prefork: supervisor$/)
    const isSuccessor = (pid: number) => pids.includes(processState(pid)?.ppid ?? 0)
    return pids.sort((a, b) => Number(isSuccessor(a)) - Number(isSuccessor(b)))
  }

  preloaders(): number[] {
    return this.#titled(/^prefork: preloader$/)
  }

  /** The processes that tell of it (`admin`): one, but in an upgrade. */
  admins(): number[] {
    return this.#titled(/^prefork: admin$/)
  }

  /** Tells the supervisor to stop. Once. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal)
  }

  /** Stops it and checks how it ended. Again, it only answers what it answered before. */
  stop(options: { readonly signal?: NodeJS.Signals; readonly code?: number } = {}): Promise<Outcome> {
    this.#end ??= this.#stop(options.signal ?? 'SIGTERM', options.code ?? 0)
    return this.#end
  }

  /** Ctrl-C: SIGINT to everyone in the process group, which must be its own. */
  interrupt(): void {
    process.kill(-this.program.pid, 'SIGINT')
  }

  /** Waits for an end that the test has brought about otherwise, and checks it. */
  ended(wanted: Partial<Exit> = { code: 0 }): Promise<Outcome> {
    this.#end ??= this.#check(wanted)
    return this.#end
  }

  #titled(pattern: RegExp): number[] {
    return this.processes().filter((pid) => pattern.test(titleOf(pid)))
  }

  async #stop(signal: NodeJS.Signals, code: number): Promise<Outcome> {
    const pids = this.supervisors()
    if (pids.length === 0) this.program.kill(signal)
    for (const pid of pids) process.kill(pid, signal)
    return this.#check({ code })
  }

  async #check(wanted: Partial<Exit>): Promise<Outcome> {
    const outcome = await endOf(this.program, this.#mark)
    const unplanned = outcome.stderr.filter((line) => !this.#planned.some((pattern) => pattern.test(line)))
    assert.deepEqual(unplanned, [], 'the log holds lines that nobody planned')
    for (const [name, value] of Object.entries(wanted)) assert.equal(outcome[name as keyof Exit], value, `exit ${name}`)
    return outcome
  }
}

/** A server that answers by the time this resolves. It ends with the test, and is checked then. */
export async function startServer(t: TestContext, options: ServerOptions = {}): Promise<Server> {
  const args = options.args ?? []
  const { program, cwd, mark } = start(t, { ...options, args: options.anyPort === false ? args : withPort(args) })
  let line: string
  try {
    line = await program.waitForLine(/^Server listening on /)
  } catch (error) {
    await endOf(program, mark, 'SIGKILL')
    throw error
  }
  const server = new Server(program, cwd, mark, line.split(' ')[3]!.replace('https://', ''), options.log ?? [])
  undoAfter(t, () => server.stop())
  return server
}

/** A command that ends by itself: `--help`, `check`, a mistake. Fails when it leaves a process behind. */
export async function runPrefork(t: TestContext, options: CommandOptions = {}): Promise<Outcome> {
  const { program, mark } = start(t, options)
  return endOf(program, mark)
}

/** A folder that holds `files` and is gone with the test. */
export function folderOf(t: TestContext, files: CommandOptions['files'] = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-'))
  undoAfter(t, () => rmSync(folder, { recursive: true, force: true }))
  addFiles(folder, files)
  return folder
}

export function addFiles(folder: string, files: CommandOptions['files'] = {}): void {
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), contents)
  }
}

const undos = new WeakMap<TestContext, (() => unknown)[]>()

/** As `t.after`, but what was begun last is undone first: a server ends before its folder does. All is undone, then the first failure thrown. */
export function undoAfter(t: TestContext, undo: () => unknown): void {
  const known = undos.get(t)
  if (known !== undefined) return void known.push(undo)
  const stack = [undo]
  undos.set(t, stack)
  t.after(async () => {
    const failures: unknown[] = []
    for (const one of stack.reverse())
      await Promise.resolve()
        .then(one)
        .catch((error) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  })
}

const MARK = 'PREFORK_TEST_MARK'

function start(t: TestContext, options: CommandOptions): { program: Program; cwd: string; mark: string } {
  const cwd = options.cwd ?? folderOf(t)
  addFiles(cwd, options.files)
  const mark = randomUUID()
  const [command, ...first] = options.command ?? [process.execPath, ...(options.nodeFlags ?? []), PREFORK]
  const program = new Program([...first, ...(options.args ?? [])], {
    command: command!,
    cwd,
    ownGroup: options.ownGroup ?? false,
    fds: options.fds ?? [],
    env: { ...cleanEnvironment(), ...options.env, [MARK]: mark },
  } satisfies ProgramOptions)
  return { program, cwd, mark }
}

/** What is set around the tests must not choose where the server listens. NODE_TEST_CONTEXT would change what node prints. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { HOST, PORT, WEB_CONCURRENCY, NODE_TEST_CONTEXT, NODE_OPTIONS, ...rest } = process.env
  return rest
}

function withPort(args: readonly string[]): readonly string[] {
  return args.some((arg) => arg.startsWith('--port')) ? args : ['--port', '0', ...args]
}

/** Said by every server that starts: test/journey/start.test.ts is about it. As root, as CI is, one line more; of TLS, tls-told.test.ts. */
const OF_THE_START =
  / info supervisor .*: \S+: (?:TLS, )?backlog \d| warn supervisor .*: workers run as root, | info (?:preloader|worker \d+) .*: TLS: .*, until /

/** Waits until the program and every process that came of it have ended; all of its lines are there then. */
async function endOf(program: Program, mark: string, kill?: NodeJS.Signals): Promise<Outcome> {
  if (kill !== undefined) program.kill(kill)
  try {
    const { code, signal } = await program.exited
    const living = () => markedProcesses(mark)
    await waitUntil(() => living().length === 0, 'no process of the server is left behind')
    await program.finished
    const stderr = program.stderr.filter((line) => !OF_THE_START.test(line))
    return { code, signal, stdout: program.stdout, stderr }
  } finally {
    for (const pid of markedProcesses(mark)) process.kill(pid, 'SIGKILL')
  }
}

/** Every process born of a start has its mark in the environment, however it came to be, whoever its parent is now. */
function markedProcesses(mark: string): number[] {
  const wanted = `${MARK}=${mark}`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readProc(name, 'environ').includes(wanted))
    .map(Number)
}

function titleOf(pid: number): string {
  return readProc(String(pid), 'cmdline').split('\0')[0]!
}

/** '' for a process that is gone, or is not ours to look at. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

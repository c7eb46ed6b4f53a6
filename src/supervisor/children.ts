/**
 * The programs that the supervisor starts: preloaders, workers by exec, the one
 * that reads the configuration, the one that tells of the server, a successor.
 *
 * Each is a `node` of its own that inherits what it needs by number, and a boot
 * document that says which number is what.
 */
import { fileURLToPath } from 'node:url'
import { type AdminBoot, type Boot, descriptorsOf, writeBoot } from '../boot.ts'
import { asExplained } from '../explain/explained.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { memfd_create } from '../kernel/file.ts'
import { type Inherited, posix_spawn } from '../kernel/process.ts'
import type { Log } from '../log.ts'

const PRELOADER = fileURLToPath(new URL('../preloader/main.js', import.meta.url))
const WORKER = fileURLToPath(new URL('../worker/main.js', import.meta.url))
const ADMIN = fileURLToPath(new URL('../admin/main.js', import.meta.url))
const CONFIG_READER = fileURLToPath(new URL('./read-config.js', import.meta.url))

/** No news to whoever wrote an app: that its types are stripped (Node 22), or that no package.json says it is a module. */
const QUIET = ['--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON']
/**
 * No garbage collector or compiler threads to lose in a fork; set at run time they come too late. And no V8 memory
 * reducer: its timer, some seconds after the start, would be due in each child at its birth, which would compact the heap
 * first of all, 10 ms long, on pages that it would no longer share.
 */
const FORKABLE = ['--single-threaded', '--v8-pool-size=0', '--no-memory-reducer']

/**
 * The model 'fork' makes a child for every connection, and each would map Node's code anew, page by page, 150 faults long.
 * In pages of 2 MiB it is copied with the rest; where the kernel has none of those, nothing is said.
 */
const LARGE_PAGES = '--use-largepages=silent'

/**
 * V8's young generation, in MiB. It would grow to 16, and three times that is what each worker then has of its own; an app
 * that forgets what it made with each answer is served as fast with 2. Whoever chooses another has a reason: one that keeps
 * much for a while (docs/operating.md, "Memory of a worker").
 */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=2'

function youngGeneration(): string[] {
  const chosen = [process.env.NODE_OPTIONS, ...process.execArgv].some((it) => /--max[-_]semi[-_]space/.test(it ?? ''))
  return chosen ? [] : [SMALL_YOUNG_GENERATION]
}

/** The pid; null, and logged, when the machine has no room for it. */
export function startPreloader(boot: Boot, log: Log): number | null {
  const pages = boot.config.model === 'fork' ? [LARGE_PAGES] : []
  return withBoot(
    [...FORKABLE, ...pages, ...youngGeneration(), ...QUIET, ...asExplained(PRELOADER, 'preloader')],
    boot,
    log,
  )
}

export function execWorker(boot: Boot, log: Log): number | null {
  return withBoot([...QUIET, ...asExplained(WORKER, `worker ${boot.worker?.slot}`)], boot, log)
}

/** It serves no client of the server's, and little memory will do. */
export function startAdmin(boot: AdminBoot, log: Log): number | null {
  return withBoot([SMALL_YOUNG_GENERATION, ...QUIET, ADMIN], boot, log)
}

/** It writes what it read, as JSON, into the descriptor, which is the caller's to close. */
export function startConfigReader(argv: readonly string[], log: Log): { pid: number; fd: Fd } | null {
  const fd = memfd_create('prefork-config')
  const pid = spawn([...QUIET, CONFIG_READER, String(fd), ...argv], process.env, [fd], log)
  if (pid !== null) return { pid, fd }
  close(fd)
  return null
}

/** The same command again, of whatever version is installed by now. */
export function startSuccessor(env: NodeJS.ProcessEnv, inherit: readonly Inherited[], log: Log): number | null {
  return spawn(process.argv.slice(1), { ...process.env, ...env }, inherit, log)
}

function withBoot(program: readonly string[], boot: Boot | AdminBoot, log: Log): number | null {
  const fd = writeBoot(boot)
  try {
    return spawn([...program, String(fd)], process.env, [fd, ...descriptorsOf(boot)], log)
  } finally {
    close(fd)
  }
}

function spawn(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  inherit: readonly Inherited[],
  log: Log,
): number | null {
  try {
    return posix_spawn(process.execPath, [process.execPath, ...process.execArgv, ...args], env, inherit)
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    log.error(`cannot start another process: ${error.message}`)
    return null
  }
}

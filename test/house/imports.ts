/**
 * Who may import whom: the table that keeps each part of src/ testable by itself.
 *
 * Two tables, one of our own files and one of packages; then what follows from the
 * graph: no cycle across folders, no file that nothing leads to. Every complaint
 * names the file, the line and the remedy.
 */
import { dirname, join } from 'node:path'
import { type Import, importsOf } from './scan.ts'
import type { TextFile } from './tree.ts'

/** What the three kinds of process and the command share: how a child is told what it is, and the words between them. */
const BETWEEN_PROCESSES = [
  'boot.ts',
  'channel.ts',
  'scoreboard.ts',
  'address-counts.ts',
  'histograms.ts',
  'trace/rings.ts',
  'ticket-keys.ts',
  'tls-texts.ts',
]

/** The file calls of the floor, with what they take and answer: descriptors, memory, flags (some by architecture), errnos. */
const FILE_CALLS = ['file', 'directory', 'fd', 'memory', 'constants', 'layout', 'errno'].map(
  (name) => `kernel/${name}.ts`,
)

/**
 * A place in src/, and what of ours it may import besides its own folder. A file has the row of every folder it is in,
 * so a row for a folder inside another adds its privileges to the outer one's.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'kernel/': [],
  'openssl/': ['kernel/'],
  'http/': [],
  'config/': [],
  'net/': ['kernel/', 'openssl/'],
  'tcp/': ['kernel/'],
  'trace/': ['kernel/', 'tcp/', 'scoreboard.ts'],
  'handlers/': ['http/', 'config/', 'log.ts'],
  'handlers/router/': [],
  'handlers/static/': FILE_CALLS,
  'handlers/app/': [],
  'handlers/proxy/': ['net/'],
  'handlers/status/': ['kernel/socket.ts', 'kernel/tcp.ts', 'kernel/fd.ts', 'kernel/errno.ts', 'scoreboard.ts'],
  'worker/': [
    'kernel/',
    'net/',
    'http/',
    'handlers/',
    'config/',
    'log.ts',
    'openssl/errors.ts',
    'openssl/lists.ts',
    'openssl/ocsp.ts',
    'openssl/pem.ts',
    'openssl/signature.ts',
    'openssl/suites.ts',
    'openssl/unusable.ts',
    'tcp/syn.ts',
    'trace/records.ts',
    ...BETWEEN_PROCESSES,
  ],
  'preloader/': ['kernel/', 'config/', 'worker/', 'explain/explained.ts', 'log.ts', ...BETWEEN_PROCESSES],
  'supervisor/': [
    'kernel/',
    'tcp/',
    'config/',
    'control/',
    'explain/explained.ts',
    'log.ts',
    'version.ts',
    ...BETWEEN_PROCESSES,
  ],
  'control/': ['kernel/', 'tcp/counters.ts', 'histograms.ts', 'trace/rings.ts', 'config/operator-error.ts'],
  'admin/': [
    'kernel/',
    'tcp/',
    'histograms.ts',
    'net/',
    'http/',
    'handlers/',
    'worker/',
    'control/',
    'trace/',
    'log.ts',
    'boot.ts',
    'channel.ts',
  ],
  'admin/page/': ['trace/story.ts'],
  'command/': [
    'control/',
    'kernel/',
    'trace/',
    'config/operator-error.ts',
    'config/site/password-hash.ts',
    'openssl/make-certificate.ts',
  ],
  'explain/': ['kernel/', 'config/address.ts', 'config/options.ts', 'log.ts'],
  'ticket-keys.ts': ['kernel/'],
  'tls-texts.ts': ['kernel/'],
  'log.ts': ['kernel/', 'config/options.ts'],
  'scoreboard.ts': ['kernel/', 'config/options.ts'],
  'address-counts.ts': ['kernel/', 'config/options.ts', 'scoreboard.ts', 'half-siphash.ts'],
  'histograms.ts': ['kernel/', 'scoreboard.ts', 'address-counts.ts'],
  'half-siphash.ts': [],
  'boot.ts': ['kernel/', 'config/options.ts'],
  'channel.ts': ['kernel/'],
  'index.ts': ['config/options.ts', 'config/routes.ts', 'handlers/app/contract.ts'],
  'started-alike.ts': ['config/', 'control/'],
  'check.ts': [
    'config/',
    'started-alike.ts',
    'command/',
    'supervisor/',
    'worker/load.ts',
    'worker/tls.ts',
    'handlers/',
    'kernel/',
    'log.ts',
  ],
  'version.ts': [],
  'main.ts': ['config/', 'supervisor/', 'command/', 'explain/', 'check.ts', 'log.ts', 'version.ts'],
}

/**
 * A place whose files run elsewhere, in a browser: no row but its own is theirs, and others may import of it what is
 * named here.
 */
const APART: Readonly<Record<string, readonly string[]>> = { 'admin/page/': ['admin/page/document.ts'] }

/** User code comes in through one door, and few may stand at it. */
const USER_CODE = 'config/import-module.ts'
const MAY_RUN_USER_CODE = ['config/config-file.ts', 'handlers/app/']

/** Which package is for whom. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  koffi: ['kernel/libc.ts', 'openssl/libssl.ts'],
  valibot: ['config/'],
  jiti: [USER_CODE],
  mime: ['handlers/static/'],
  bcryptjs: ['handlers/router/bcrypt-thread.ts'],
}

/** What a folder may take from Node itself, where that is not everything. */
const BUILTINS: Readonly<Record<string, readonly string[]>> = {
  'http/': ['node:buffer'],
  'kernel/': ['node:buffer', 'node:net', 'node:os', 'node:util'],
  'net/': ['node:buffer'],
  'admin/page/': [],
}

/** Where execution begins; all else must be led to from here. */
export const ENTRIES = [
  'main.ts',
  'index.ts',
  'kernel/index.ts',
  'preloader/main.ts',
  'worker/main.ts',
  'admin/main.ts',
  'admin/page/page.ts',
  'handlers/router/bcrypt-thread.ts',
  'explain/start.ts',
  'supervisor/read-config.ts',
]

export function forbiddenImports(files: readonly TextFile[]): string[] {
  return files
    .filter((file) => !isTest(file.path))
    .flatMap((file) => importsOf(file.text).flatMap((it) => judge(withinSrc(file.path), it)))
}

/** Cycles among files of different folders. Types count: a reader follows them, too. */
export function cyclesAcrossFolders(files: readonly TextFile[]): string[] {
  const graph = graphOf(files)
  const reach = new Map([...graph.keys()].map((path) => [path, reachedFrom([path], graph)]))
  const isMutual = (a: string, b: string) => a !== b && reach.get(a)!.has(b) && (reach.get(b)?.has(a) ?? false)
  return [...graph].flatMap(([path, targets]) =>
    targets
      .filter((target) => dirname(target) !== dirname(path) && isMutual(path, target))
      .map(
        (target) => `src/${path} imports ${target}, which leads back to it: move what both need into a file below them`,
      ),
  )
}

/** Files that no entry leads to. Tests and their helpers (`*.test.*`) are for `npm test` to find. */
export function deadFiles(files: readonly TextFile[]): string[] {
  const alive = reachedFrom(ENTRIES, graphOf(files))
  return files
    .filter((file) => !isTest(file.path) && !alive.has(withinSrc(file.path)))
    .map(({ path }) => `${path} is imported by nothing: use it, delete it, or name it *.test.* if only tests need it`)
}

function judge(from: string, { specifier, line }: Import): string[] {
  const complaint = specifier.startsWith('.') ? judgeOwn(from, specifier) : judgeForeign(from, specifier)
  return complaint === null ? [] : [`src/${from}:${line} ${complaint}`]
}

function judgeOwn(from: string, specifier: string): string | null {
  const target = join(dirname(from), specifier)
  if (target.startsWith('..')) return `imports ${specifier} from outside src/: move that file into src/`
  if (target === USER_CODE && !MAY_RUN_USER_CODE.some((place) => from.startsWith(place))) {
    return `imports ${USER_CODE}: user code is run by ${MAY_RUN_USER_CODE.join(' and ')} alone; ask one of them`
  }
  const [apart, shared] = Object.entries(APART).find(([place]) => target.startsWith(place)) ?? []
  if (apart !== undefined && !from.startsWith(apart) && !shared!.includes(target)) {
    return `imports ${target}, but of ${apart}, whose files run elsewhere, only ${shared!.join(', ')} is for others`
  }
  const rows = rowsOf(from, MAY_IMPORT)
  if (rows.length === 0) return `has no row in the import table: add one to MAY_IMPORT in test/house/imports.ts`
  const allowed = rows.flatMap((row) => MAY_IMPORT[row]!)
  const own = rows.filter((row) => row.endsWith('/'))
  if ([...own, ...allowed].some((place) => target.startsWith(place))) return null
  const list = allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')
  return `imports ${target}, but ${rows.at(-1)} may import ${list}: have the value passed in, or move the code that needs it`
}

function judgeForeign(from: string, specifier: string): string | null {
  if (specifier.startsWith('node:')) return judgeBuiltin(from, specifier)
  const name = Object.keys(PACKAGES).find((it) => specifier === it || specifier.startsWith(`${it}/`))
  if (name === undefined)
    return `imports ${specifier}, a package without a row in PACKAGES (test/house/imports.ts): do without it`
  if (PACKAGES[name]!.some((place) => from.startsWith(place))) return null
  return `imports ${name}, which is for ${PACKAGES[name]!.join(' and ')} alone: export what you need from there`
}

function judgeBuiltin(from: string, specifier: string): string | null {
  const row = rowsOf(from, BUILTINS).at(-1)
  if (row === undefined || BUILTINS[row]!.includes(specifier)) return null
  return `imports ${specifier}, but ${row} may take only ${BUILTINS[row]!.join(', ')} from Node: have the value passed in`
}

function rowsOf(path: string, table: Readonly<Record<string, unknown>>): string[] {
  const apart = Object.keys(APART).find((place) => path.startsWith(place)) ?? ''
  return Object.keys(table).filter(
    (row) => row.startsWith(apart) && (row.endsWith('/') ? path.startsWith(row) : path === row),
  )
}

function graphOf(files: readonly TextFile[]): Map<string, string[]> {
  const known = new Set(files.map((file) => withinSrc(file.path)))
  const targets = (file: TextFile) =>
    importsOf(file.text)
      .filter((it) => it.specifier.startsWith('.'))
      .map((it) => join(dirname(withinSrc(file.path)), it.specifier))
      .filter((target) => known.has(target))
  return new Map(files.filter((file) => !isTest(file.path)).map((file) => [withinSrc(file.path), targets(file)]))
}

function reachedFrom(starts: readonly string[], graph: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>()
  const queue = [...starts]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    queue.push(...(graph.get(path) ?? []))
  }
  return reached
}

function withinSrc(path: string): string {
  return path.replace(/^src\//, '')
}

function isTest(path: string): boolean {
  return path.includes('.test.')
}

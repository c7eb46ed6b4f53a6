/**
 * What the documents promise, held against the repository: links that lead
 * somewhere, files that exist, options as they are, a reason for each dependency.
 */
import { dirname, join } from 'node:path'
import type { TextFile } from './tree.ts'

/** Links to files and `src/…` names in backticks. */
export function deadLinks(page: TextFile, exists: (path: string) => boolean): string[] {
  const links = [...page.text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, target]) =>
    join(dirname(page.path), target!),
  )
  const names = [...page.text.matchAll(/`((?:src|test|docs|scripts|bench|examples|bin)\/[\w./-]+)`/g)].map(
    ([, path]) => path!,
  )
  return [...links, ...names]
    .filter((path) => !exists(path))
    .map((path) => `${page.path} speaks of ${path}, which does not exist: correct the page`)
}

/** Messages of the server that send an operator to a page: `docs/operating.md#ports`. */
export function deadReferences(file: TextFile, headingsOf: (page: string) => readonly string[] | null): string[] {
  const references = [...file.text.matchAll(/\bdocs\/[\w-]+\.md(?:#([\w-]+))?/g)]
  return references.flatMap(([reference, anchor]) => {
    const headings = headingsOf(reference.split('#')[0]!)
    if (headings !== null && (anchor === undefined || headings.includes(anchor))) return []
    return [`${file.path} sends its reader to ${reference}, which does not exist: write it, or correct the message`]
  })
}

/** As GitHub makes anchors of them. */
export function headingsIn(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
}

/** Every dependency has a row with a reason, and every row is a dependency. */
export function unreasonedDependencies(guide: TextFile, dependencies: readonly string[]): string[] {
  const section = /^## Dependencies$(.*?)(?=^## |$(?![\s\S]))/ms.exec(guide.text)?.[1] ?? ''
  const rows = [...section.matchAll(/^\| `([^`]+)` \| *(.*?) *\|$/gm)]
  const reasons = new Map(rows.map(([, name, reason]) => [name!, reason!]))
  return [
    ...dependencies
      .filter((name) => (reasons.get(name) ?? '') === '')
      .map((name) => `${guide.path} gives no reason for ${name}: add a row, or remove the dependency`),
    ...[...reasons.keys()]
      .filter((name) => !dependencies.includes(name))
      .map((name) => `${guide.path} gives a reason for ${name}, which is no dependency: remove the row`),
  ]
}

/**
 * The options that have a flag, or are of one section, as two pages tell them: path, default, flag, variable. The short
 * page must agree with the reference, which is made from the source.
 */
export function differingOptions(short: TextFile, reference: TextFile, isOfPage?: (path: string) => boolean): string[] {
  const told = optionRows(short)
  const isWanted = (row: OptionRow) => (isOfPage === undefined ? row.flag !== '' : isOfPage(row.path))
  const real = optionRows(reference).filter(isWanted)
  const text = (row: OptionRow) => `${row.path} · ${row.default} · ${row.flag} · ${row.variable}`
  return [
    ...real
      .filter((row) => !told.some((it) => text(it) === text(row)))
      .map((row) => `${short.path} lacks the option "${text(row)}": copy its row from ${reference.path}`),
    ...told
      .filter((row) => !real.some((it) => text(it) === text(row)))
      .map((row) => `${short.path} tells of "${text(row)}", which is not so: compare with ${reference.path}`),
  ]
}

/** All there are, by the table of the reference. */
export function optionsIn(reference: TextFile): string[] {
  return optionRows(reference).map(({ path }) => path)
}

/** Names in backticks that look like an option of a section, and links into the reference. */
export function unknownOptions(page: TextFile, options: readonly string[]): string[] {
  const sections = new Set(options.filter((path) => path.includes('.')).map((path) => path.split('.')[0]!))
  const named = [...page.text.matchAll(/`(\w+)\.(\w+)`/g)]
    .filter(([, section, name]) => sections.has(section!) && !options.includes(`${section}.${name}`))
    .map(([name]) => name)
  const anchors = new Set(options.map((path) => path.replaceAll('.', '').toLowerCase()))
  const linked = [...page.text.matchAll(/\(configuration\.md#([a-z]+)\)/g)]
    .filter(([, anchor]) => !anchors.has(anchor!) && !SECTIONS_OF_REFERENCE.has(anchor!))
    .map(([link]) => link)
  return [...named, ...linked].map((it) => `${page.path} speaks of ${it}, which is no option: correct the page`)
}

/** Headings of the reference that are no option's. */
const SECTIONS_OF_REFERENCE: ReadonlySet<string> = new Set(['limits', 'timeouts', 'static', 'hosts', 'routes', 'all'])

interface OptionRow {
  readonly path: string
  readonly default: string
  readonly flag: string
  readonly variable: string
}

/** Rows such as: | [`port`](…) | `8080` | `--port` | `PORT` | … */
function optionRows(page: TextFile): OptionRow[] {
  const rows = page.text.matchAll(/^\| \[`([\w.]+)`\]\([^)]*\) \|([^|]*)\|([^|]*)\|([^|]*)\|/gm)
  return [...rows].map(([, path, ...cells]) => {
    const [byDefault, flag, variable] = cells.map((cell) => cell.trim().replaceAll('`', ''))
    return { path: path!, default: byDefault!, flag: flag!, variable: variable! }
  })
}

/** A reason to refuse a request, as REFUSALS has it. */
export interface Refusal {
  readonly status: number
  readonly rule: string
  readonly says: string
}

/** The page's table of refusals must be the code's: the same rows, in the same order. */
export function differingRefusals(page: TextFile, refusals: Readonly<Record<string, Refusal>>): string[] {
  const told = page.text.split('\n').filter((line) => /^\| `[A-Z0-9_]+` \| \d{3} \|/.test(line))
  const real = Object.entries(refusals).map(
    ([name, { status, says, rule }]) => `| \`${name}\` | ${status} | ${says} | ${rule} |`,
  )
  const differs = told.length !== real.length || real.some((row, i) => row !== told[i])
  return differs
    ? [`${page.path} does not tell the refusals as they are: put these rows there\n${real.join('\n')}`]
    : []
}

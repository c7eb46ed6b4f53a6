#!/usr/bin/env node
/**
 * Makes docs/configuration.md from the comments in src/config/options.ts, listen-options.ts, tls-options.ts, limits.ts,
 * static-options.ts and routes.ts.
 *
 *     node scripts/reference.mjs           writes the page
 *     node scripts/reference.mjs --check   exit 1 when the page is not what it should be
 *
 * It reads them as text: interfaces, their members and the comment above each.
 * That is all the TypeScript it knows, and all that those comments are above.
 * src/config/reference.test.ts imports it to compare tags with the table.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FILES = ['options.ts', 'listen-options.ts', 'tls-options.ts', 'limits.ts', 'static-options.ts', 'routes.ts']
const SOURCES = FILES.map((name) => new URL(`../src/config/${name}`, import.meta.url))
const PAGE = new URL('../docs/configuration.md', import.meta.url)

/** The files as one text. */
export function readSource() {
  return SOURCES.map((file) => readFileSync(file, 'utf8')).join('\n')
}

/**
 * Every option: { path, type, about, tags: { default, range, flag, env }, shapes },
 * and for a section ('limits') the same without tags, its options after it.
 * `shapes` tells what the names in its type stand for: { name, about, members }.
 */
export function readOptions(source) {
  const inherited = basesOf(source, 'Options').flatMap((base) => readInterface(source, base))
  const [sections, plain] = partition(readInterface(source, 'Options'), ({ type }) => sectionType(type) !== undefined)
  return [
    ...[...plain, ...inherited].map((option) => ({ ...option, shapes: readShapes(source, option.type) })),
    ...sections.flatMap((section) => {
      const members = readInterface(source, sectionType(section.type))
      const inside = members.map((member) => {
        return { ...member, path: `${section.path}.${member.path}`, shapes: readShapes(source, member.type) }
      })
      return [{ ...section, isSection: true }, ...inside]
    }),
  ]
}

function partition(list, isFirst) {
  return [list.filter(isFirst), list.filter((item) => !isFirst(item))]
}

function sectionType(type) {
  return /^Partial<(\w+)>$/.exec(type)?.[1]
}

/** What the language has already. */
const BUILT_IN = ['Partial', 'Readonly', 'Record']

export function renderReference(source) {
  const options = readOptions(source)
  return `${[HEADER, summary(options), ...options.map(section)].join('\n\n')}\n`
}

const HEADER = `<!-- Made from src/config/{options,listen-options,tls-options,limits,static-options,routes}.ts by scripts/reference.mjs. Edit the comments there, then run it. -->

# Configuration

Flags win over the configuration file, the file over environment variables, those over the defaults.

The file is \`prefork.config.ts\` (or \`.mts\`, \`.js\`, \`.mjs\`) in the current directory, or the one named by \`--config\`:

\`\`\`ts
import { defineConfig } from 'prefork'

export default defineConfig({
  target: './app.ts',
  port: 8080,
  limits: { bodyBytes: 10 * 1024 * 1024 },
})
\`\`\`

\`prefork check\` says whether all of it holds, without serving. An unknown option or a value out of range is refused at
start. An empty variable counts as unset.`

function summary(options) {
  const rows = options
    .filter((option) => !option.isSection)
    .map(
      ({ path, tags }) =>
        `| [\`${path}\`](#${anchor(path)}) | ${code(tags.default)} | ${code(tags.flag)} | ${code(tags.env)} |`,
    )
  return ['| option | default | flag | variable |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function section(option) {
  if (option.isSection) return `## ${option.path}\n\n${option.about}`
  const depth = option.path.includes('.') ? '###' : '##'
  const facts = [`type ${code(option.type)}`, `default ${code(option.tags.default)}`]
  if (option.tags.range) facts.push(`from ${code(option.tags.range.replace('..', '` to `'))}`)
  if (option.tags.flag) facts.push(`flag ${code(option.tags.flag)}`)
  if (option.tags.env) facts.push(`variable ${code(option.tags.env)}`)
  return [`${depth} ${option.path}`, option.about, facts.join(' · '), ...(option.shapes ?? []).map(shape)].join('\n\n')
}

function shape({ name, about, members }) {
  const rows = members.map(
    ({ path, mark, type, about }) => `- \`${path}${mark}: ${type}\`: ${about.replaceAll('\n', ' ')}`,
  )
  return [`\`${name}\`: ${about}`, rows.join('\n')].join('\n\n').trimEnd()
}

/** As GitHub makes one from a heading. */
function anchor(path) {
  return path.toLowerCase().replaceAll('.', '')
}

function code(text) {
  return text === undefined ? '' : `\`${text}\``
}

function readInterface(source, name) {
  const body = new RegExp(`^export interface ${name}(?: extends [^{]*)? {\\n(.*?)^}`, 'ms').exec(source)?.[1]
  if (body === undefined) throw new Error(`no interface ${name} in src/config/{${FILES}}`)
  const members = [...body.matchAll(/^ {2}\/\*\*([\s\S]*?)\*\/\n {2}readonly (\w+)(\??): (.+)$/gm)]
  const declared = body.match(/^ {2}readonly /gm)?.length ?? 0
  if (members.length !== declared)
    throw new Error(`a member of ${name} in src/config/{${FILES}} has no comment above it`)
  return members.map(([, comment, path, mark, type]) => {
    return { path, mark, type: expand(source, type), ...readComment(comment) }
  })
}

/** The aliases and interfaces that a type speaks of, each once, and those that they speak of. */
function readShapes(source, type, seen = new Set(BUILT_IN)) {
  const names = type.replaceAll(/'[^']*'/g, '').match(/\b[A-Z]\w+/g) ?? []
  return names.flatMap((name) => {
    if (seen.has(name)) return []
    seen.add(name)
    const alias = expand(source, name)
    if (alias !== name) return [{ name, about: code(alias), members: [] }, ...readShapes(source, alias, seen)]
    const comment = new RegExp(`^/\\*\\* (.+) \\*/\\nexport interface ${name} `, 'm').exec(source)?.[1]
    if (comment === undefined) throw new Error(`${name} in src/config/{${FILES}} has no comment above it`)
    const members = readInterface(source, name)
    const bases = basesOf(source, name)
    const spoken = [...members.map((member) => member.type), ...bases.filter((base) => !isAtTop(source, base))]
    const about = [comment, ...bases.map((base) => besides(source, base))].join(' ')
    return [{ name, about, members }, ...spoken.flatMap((other) => readShapes(source, other, seen))]
  })
}

/** The interfaces that one extends. */
function basesOf(source, name) {
  const bases = new RegExp(`^export interface ${name} extends ([^{]*) {`, 'm').exec(source)?.[1]
  return bases?.split(', ') ?? []
}

/** What a page of all options tells of elsewhere: a section, and what options are made of themselves. */
function isAtTop(source, base) {
  return sectionType(base) !== undefined || basesOf(source, 'Options').includes(base)
}

function besides(source, base) {
  if (!isAtTop(source, base)) return `Also what \`${base}\` has.`
  const section = readInterface(source, 'Options').find(({ type }) => type === base)
  if (section !== undefined) return `Also what the section \`${section.path}\` has.`
  const names = readInterface(source, base).map(({ path }) => `\`${path}\``)
  return `Also ${names.slice(0, -1).join(', ')} and ${names.at(-1)}, as at the top.`
}

/** 'SpawnMode' says little on a page; what it stands for says all. */
function expand(source, type) {
  return new RegExp(`^export type ${type} = (.+)$`, 'm').exec(source)?.[1] ?? type
}

function readComment(comment) {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
  const tags = {}
  for (const line of lines) {
    const [, tag, value] = /^@(\w+) (.+)$/.exec(line) ?? []
    if (tag !== undefined) tags[tag] = value
  }
  const about = lines
    .filter((line) => !line.startsWith('@'))
    .join('\n')
    .trim()
  return { about, tags }
}

function main(argv) {
  const page = renderReference(readSource())
  if (!argv.includes('--check')) return writeFileSync(PAGE, page)
  if (readFileSync(PAGE, 'utf8') === page) return
  console.error('docs/configuration.md is not what src/config/ says: run node scripts/reference.mjs')
  process.exitCode = 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2))

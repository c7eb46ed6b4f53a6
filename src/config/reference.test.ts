import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { OptionRow } from './rows.ts'
import { OPTION_PATHS, OPTION_TABLE } from './table.ts'

interface Documented {
  readonly path: string
  readonly about: string
  readonly isSection?: boolean
  readonly tags: Readonly<Record<string, string | undefined>>
}

// Tests run at the root of the repository, where the sources are; what was compiled may lie elsewhere.
const script = await import(pathToFileURL('scripts/reference.mjs').href)
const source: string = script.readSource()
const documented = (script.readOptions(source) as Documented[]).filter((option) => option.isSection !== true)

test('the comments tell of exactly the options in the table', () => {
  assert.deepEqual(documented.map((option) => option.path).sort(), [...OPTION_PATHS].sort())
})

for (const { path, about, tags } of documented) {
  test(`the comment on ${path} tells what the table holds`, () => {
    assert.ok(about.length > 0)
    assert.deepEqual(tags, tagsOf(path, OPTION_TABLE[path as keyof typeof OPTION_TABLE]))
  })
}

test('docs/configuration.md is what the comments say; if not, run: node scripts/reference.mjs', () => {
  assert.equal(readFileSync('docs/configuration.md', 'utf8'), script.renderReference(source))
})

/** The tags a row deserves, as a person writes them. */
function tagsOf(path: string, row: OptionRow): Record<string, string> {
  const flag = path === 'target' ? '[target]' : row.flag && `--${row.flag.name}`
  return {
    default: literal(row.default),
    ...(row.kind === 'integer' ? { range: `${literal(row.min)}..${literal(row.max)}` } : {}),
    ...(flag === undefined ? {} : { flag }),
    ...(row.env === undefined ? {} : { env: row.env }),
  }
}

/** 8080, 16_384, 'auto', none, ['index.html'], {}. */
function literal(value: OptionRow['default']): string {
  if (value === null) return 'none'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'object') return JSON.stringify(value).replaceAll('"', "'")
  if (value < 10_000 || value === Number.POSITIVE_INFINITY) return String(value)
  return value.toLocaleString('en-US').replaceAll(',', '_')
}

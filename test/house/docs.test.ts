import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { REFUSALS } from '../../src/http/refusals.ts'
import {
  deadLinks,
  deadReferences,
  differingOptions,
  differingRefusals,
  headingsIn,
  optionsIn,
  unknownOptions,
  unreasonedDependencies,
} from './docs.ts'
import { assertNone, file, read } from './tree.ts'

const pages = read(['docs', 'deploy', 'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'], /\.md$/)
const pageNamed = (path: string) => pages.find((page) => page.path === path)!
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

test('what the pages link to exists', () => assertNone(pages.flatMap((page) => deadLinks(page, existsSync))))

test('what messages send an operator to exists', () => {
  const headingsOf = (path: string) => (existsSync(path) ? headingsIn(readFileSync(path, 'utf8')) : null)
  assertNone(read(['src', 'bin'], /(?<!\.test\.ts)$/).flatMap((source) => deadReferences(source, headingsOf)))
})

test('every dependency has a reason', () => {
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
  assertNone(unreasonedDependencies(pageNamed('CONTRIBUTING.md'), names))
})

test('the README tells the options as they are', () => {
  assertNone(differingOptions(pageNamed('README.md'), pageNamed('docs/configuration.md')))
})

test('docs/static-files.md tells all options of files as they are', () => {
  assertNone(
    differingOptions(pageNamed('docs/static-files.md'), pageNamed('docs/configuration.md'), (path) =>
      path.startsWith('static.'),
    ),
  )
})

test('docs/http.md tells all limits and deadlines as they are', () => {
  const ofBoth = (row: string) => row.startsWith('limits.') || row.startsWith('timeouts.')
  assertNone(differingOptions(pageNamed('docs/http.md'), pageNamed('docs/configuration.md'), ofBoth))
})

test('the pages name no option that is not there, and link to none', () => {
  const options = optionsIn(pageNamed('docs/configuration.md'))
  assertNone(pages.flatMap((page) => unknownOptions(page, options)))
})

test('docs/http.md tells all refusals as they are', () => {
  assertNone(differingRefusals(pageNamed('docs/http.md'), REFUSALS))
})

test('deadLinks finds links and names that lead nowhere', () => {
  const page = file('docs/a.md', '[b](../b.md#c) [d](https://d) `src/e.ts` `src/f.ts` [g](#g)')
  const complaints = deadLinks(page, (path) => path === 'src/f.ts')
  assert.deepEqual(
    complaints.map((complaint) => /of (\S+),/.exec(complaint)?.[1]),
    ['b.md', 'src/e.ts'],
  )
})

test('deadReferences looks for the page and the heading', () => {
  const headingsOf = (path: string) => (path === 'docs/a.md' ? headingsIn('# A\n## Ports, and `more`') : null)
  const complaints = (text: string) => deadReferences(file('src/a.ts', text), headingsOf)
  assertNone(complaints("'see docs/a.md#ports-and-more' + 'docs/a.md'"))
  assert.equal(complaints('docs/a.md#port docs/b.md').length, 2)
})

test('unreasonedDependencies wants a reason for each, and no more', () => {
  const guide = file(
    'G.md',
    '| `z` | | |\n## Dependencies\n| `a` | because |\n| `b` | |\n| `c` | once |\n## More\n| `d` | no |',
  )
  assert.deepEqual(
    unreasonedDependencies(guide, ['a', 'b', 'd']).map((complaint) => /for (\w+)/.exec(complaint)?.[1]),
    ['b', 'd', 'c'],
  )
})

test('differingOptions tells a wrong default, a lacking row and one too many', () => {
  const reference = file(
    'R.md',
    '| [`a`](#a) | `1` | `--a` | `A` |\n| [`b`](#b) | `2` | `--b` | |\n| [`c`](#c) | `3` | | |',
  )
  const short = file('S.md', '| [`a`](R.md#a) | `9` | `--a` | `A` | of a |')
  assert.equal(differingOptions(short, reference).length, 3)
  const right = file('S.md', '| [`a`](R.md#a) | `1` | `--a` | `A` | of a |\n| [`b`](R.md#b) | `2` | `--b` | | of b |')
  assertNone(differingOptions(right, reference))
  const dotted = file('R.md', '| [`s.a`](#a) | `1` | | |\n| [`s.b`](#b) | `2` | | |\n| [`t.c`](#c) | `3` | `--c` | |')
  const section = file('S.md', '| [`s.a`](R.md#a) | `1` | | | of a |')
  assert.equal(differingOptions(section, dotted, (path) => path.startsWith('s.')).length, 1)
})

test('unknownOptions finds names and anchors of options that are none', () => {
  const options = ['limits.headBytes', 'port']
  const count = (text: string) => unknownOptions(file('docs/a.md', text), options).length
  assert.equal(
    count('`limits.headBytes`, [`port`](configuration.md#port) (configuration.md#limitsheadbytes) `request.headers`'),
    0,
  )
  assert.equal(count('`limits.headSize`'), 1)
  assert.equal(count('[x](configuration.md#limitsheadsize)'), 1)
})

test('differingRefusals tells a row that is wrong, lacking, one too many or out of place', () => {
  const refusals = {
    A: { status: 400, rule: 'RFC 1', says: 'one' },
    B: { status: 501, rule: 'RFC 2', says: 'two' },
  }
  const [a, b] = ['| `A` | 400 | one | RFC 1 |', '| `B` | 501 | two | RFC 2 |']
  const count = (...rows: string[]) => differingRefusals(file('P.md', ['# P', ...rows].join('\n')), refusals).length
  assert.equal(count(a, b), 0)
  for (const rows of [[a], [b, a], [a, b, b], [a, b.replace('501', '400')], []]) assert.equal(count(...rows), 1)
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { COMMANDS, parseCommandLine } from './command-line.ts'
import { helpText } from './help.ts'
import { OPTION_PATHS, OPTION_TABLE } from './table.ts'

const COLUMNS = 80

test('examples come first', () => assert.match(helpText(), /^Examples\n {2}prefork /))

test('no line passes 80 columns or ends in blanks', () => {
  for (const line of helpText().split('\n')) {
    assert.ok(line.length <= COLUMNS, line)
    assert.equal(line, line.trimEnd())
  }
})

const EXAMPLES: Readonly<Record<string, string>> = {
  N: '1',
  MS: '1',
  'N|auto': '1',
  'auto|fork|exec': 'fork',
  'event|prefork|fork': 'prefork',
  STRATEGY: 'parent',
  LEVEL: 'warn',
  FORMAT: 'json',
  ADDRESS: '127.0.0.1:80',
  'PATH|off': '/ready',
  SECONDS: '1',
}

test('every flag there is is shown once, and understood as shown', () => {
  const shown = [...helpText().matchAll(/^ {6}--(\S+) (\S+) {2,}\S/gm)]
  const flags = OPTION_PATHS.flatMap((path) => OPTION_TABLE[path].flag?.name ?? [])
  assert.deepEqual(shown.map(([, name]) => name).sort(), [...flags, 'config', 'interval'].sort())
  for (const [, name, value] of shown) {
    const words = [`--${name}`, EXAMPLES[value!] ?? 'something']
    parseCommandLine(name === 'interval' ? ['top', ...words] : words)
  }
})

test('every command is shown', () => {
  const [, usage] = /\nUsage\n(.*?)\n\n/s.exec(helpText())!
  for (const command of COMMANDS) assert.match(usage!, new RegExp(`\\b${command}\\b`))
})

test('defaults are told', () => {
  assert.match(helpText(), /--host ADDRESS .*\(127\.0\.0\.1\)$/m)
  assert.match(helpText(), /--port N .*\(8080\)$/m)
  assert.doesNotMatch(helpText(), /null/)
})

test('what is set in the file is told, and where it is explained', () => {
  const [, end] = helpText().split('those over the defaults.')
  for (const what of ['Limits', 'timeouts', 'static', 'hosts', 'routes'])
    assert.match(end!, new RegExp(`\\b${what}\\b`))
  const pages = end!.match(/docs\/[\w-]+\.md/g)!
  assert.deepEqual(pages, ['docs/configuration.md', 'docs/static-files.md', 'docs/routing.md'])
  for (const page of pages) assert.ok(existsSync(page), page)
})

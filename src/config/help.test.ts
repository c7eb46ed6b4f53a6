import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from './command-line.ts'
import { helpText } from './help.ts'

const COLUMNS = 80

test('examples come first', () => assert.match(helpText(), /^Examples\n {2}prefork /))

test('no line passes 80 columns or ends in blanks', () => {
  for (const line of helpText().split('\n')) {
    assert.ok(line.length <= COLUMNS, line)
    assert.equal(line, line.trimEnd())
  }
})

test('every flag shown is understood', () => {
  const shown = [...helpText().matchAll(/^ {6}--(\S+) (\S+)/gm)]
  assert.deepEqual(
    shown.map(([, name]) => name),
    ['host', 'port', 'workers', 'backlog', 'spawn', 'log-level', 'access-log', 'config'],
  )
  const example: Record<string, string> = { 'N|auto': 'auto', N: '1', 'auto|fork|exec': 'fork', LEVEL: 'warn' }
  for (const [, name, value] of shown) parseCommandLine([`--${name}`, example[value!] ?? 'something'])
})

test('defaults are told', () => {
  assert.match(helpText(), /--host ADDRESS .*\(127\.0\.0\.1\)$/m)
  assert.match(helpText(), /--port N .*\(8080\)$/m)
})

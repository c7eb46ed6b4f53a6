import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { OperatorError } from '../../config/operator-error.ts'
import { hooksFrom } from './hooks.ts'
import { loadApp } from './load-app.ts'

test('what a module exports by the names of hooks, and nothing else', () => {
  const [beforeFork, workerStop] = [() => {}, async () => {}]
  assert.deepEqual(hooksFrom({ beforeFork, workerStop, default: () => {}, other: () => {} }, '/app.ts'), {
    beforeFork,
    workerStop,
  })
  assert.deepEqual(hooksFrom({ default: { workerStart() {} } }, '/app.ts'), {})
})

test('an export of such a name that cannot be called is the operator’s to mend', () => {
  const refused = (error: unknown) =>
    error instanceof OperatorError && error.message.startsWith('/app.ts exports workerStart, which is 42. ')
  assert.throws(() => hooksFrom({ workerStart: 42 }, '/app.ts'), refused)
})

const folder = mkdtempSync(join(tmpdir(), 'hooks-'))
after(() => rmSync(folder, { recursive: true }))

const APPS: Readonly<Record<string, string>> = {
  'app.mjs': 'export default () => new Response()\nexport const workerStart = () => {}\n',
  'app.ts': 'export default (): Response => new Response()\nexport function workerStart(): void {}\n',
  'app.cjs': 'exports.fetch = () => new Response()\nexports.workerStart = () => {}\n',
}

for (const [name, source] of Object.entries(APPS)) {
  test(`hooks come with the app: ${name}`, async () => {
    const file = join(folder, name)
    writeFileSync(file, source)
    const { hooks } = await loadApp(file)
    assert.deepEqual(Object.keys(hooks), ['workerStart'])
  })
}

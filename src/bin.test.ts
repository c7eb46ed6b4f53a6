/** The command as a person starts it: bin/prefork, copied into a package of our own making. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

// Tests run at the root of the repository, where bin/ is; what was compiled may lie elsewhere.
const folder = mkdtempSync(join(tmpdir(), 'prefork-bin-'))
after(() => rmSync(folder, { recursive: true }))

const built = join(folder, 'built')
const unbuilt = join(folder, 'unbuilt')
for (const root of [built, unbuilt]) {
  cpSync('bin', join(root, 'bin'), { recursive: true })
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
}
mkdirSync(join(built, 'dist/src'), { recursive: true })
writeFileSync(join(built, 'dist/src/main.js'), "export async function main(argv) { console.log('main', ...argv) }")
symlinkSync(join(built, 'bin/prefork'), join(folder, 'link'))

/** `disguise` runs first, to make this Node look like another. */
function run(command: string, disguise = ''): { status: number | null; stdout: string; stderr: string } {
  const preload = join(folder, 'disguise.cjs')
  writeFileSync(preload, disguise)
  const env = { ...process.env, NODE_OPTIONS: `--require ${preload}` }
  const { status, stdout, stderr } = spawnSync(command, ['--port', '0'], { cwd: folder, env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

const version = (text: string) =>
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${text}' } })`
const RUNS = { status: 0, stdout: 'main --port 0\n', stderr: '' }
const refused = (sentence: string) => ({ status: 1, stdout: '', stderr: `${sentence}\n` })
const tooOld = (is: string) => refused(`prefork needs Node 20.19 or newer, and this is ${is}; install a newer one`)

test('it is executable by everyone', () => assert.equal(statSync('bin/prefork').mode & 0o777, 0o755))
test('it runs main with its arguments', () => assert.deepEqual(run(join(built, 'bin/prefork')), RUNS))
test('it runs through a symlink', () => assert.deepEqual(run(join(folder, 'link')), RUNS))

test('without dist/ it says what to run', () => {
  assert.deepEqual(
    run(join(unbuilt, 'bin/prefork')),
    refused(`prefork is not built yet; run 'npm run build' in ${unbuilt}`),
  )
})

const VERSIONS: readonly (readonly [string, ReturnType<typeof run>])[] = [
  ['16.20.2', tooOld('16.20.2')],
  ['20.18.3', tooOld('20.18.3')],
  ['20.19.0', RUNS],
  ['22.0.0', RUNS],
  ['100.0.0', RUNS],
]

for (const [text, outcome] of VERSIONS) {
  test(`on Node ${text} it ${outcome.status === 0 ? 'runs' : 'says what it needs'}`, () => {
    assert.deepEqual(run(join(built, 'bin/prefork'), version(text)), outcome)
  })
}

test('elsewhere than on Linux it says where it runs', () => {
  assert.deepEqual(
    run(join(built, 'bin/prefork'), "Object.defineProperty(process, 'platform', { value: 'darwin' })"),
    refused('prefork runs on Linux only, and this is darwin; use a container or a virtual machine'),
  )
})

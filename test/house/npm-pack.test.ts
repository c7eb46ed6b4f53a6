/** The package as others get it: packed, installed into an empty project, and used from there. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startServer } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'prefork-pack-'))
const project = join(folder, 'project')
const command = [process.execPath, join(project, 'node_modules/.bin/prefork')]

after(() => rmSync(folder, { recursive: true }))

before(() => {
  run('npm', ['pack', '--silent', '--pack-destination', folder], process.cwd())
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  run('npm', ['install', '--silent', '--prefer-offline', '--no-audit', '--no-fund', tarball()], project)
})

function tarball(): string {
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!)
}

function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  assert.equal(status, 0, `${program} ${args.join(' ')}\n${stdout}${stderr}`)
  return stdout
}

test('it holds what it needs and nothing that is for developers', () => {
  const files = run('tar', ['--list', '--file', tarball()], folder).trim().split('\n')
  for (const path of [
    'bin/prefork',
    'bin/package.json',
    'dist/src/main.js',
    'dist/src/index.d.ts',
    'README.md',
    'LICENSE',
  ]) {
    assert.ok(files.includes(`package/${path}`), `${path} is missing: see "files" in package.json`)
  }
  const allowed = /^package\/(bin|dist\/src|docs|deploy)\/|^package\/[\w-]+(\.md|\.json)?$/
  assert.deepEqual(
    files.filter((path) => !allowed.test(path) || path.includes('.test.')),
    [],
  )
})

test('its command serves a directory', async (t) => {
  const server = await startServer(t, { command, files: { 'site/a.txt': 'packed' }, args: ['site'] })
  assert.equal(await (await fetch(`${server.url}/a.txt`)).text(), 'packed')
})

test('its command serves an app that imports the package, in TypeScript', async (t) => {
  const app = `
    import { defineConfig } from 'prefork'
    import { getpid } from 'prefork/kernel'
    const told: string = JSON.stringify([typeof defineConfig, getpid() === process.pid])
    export default { fetch: () => new Response(told) }`
  writeFileSync(join(project, 'app.ts'), app)
  const server = await startServer(t, { command, cwd: project, args: ['app.ts'] })
  assert.equal(await (await fetch(server.url)).text(), '["function",true]')
})

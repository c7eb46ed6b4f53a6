/**
 * The package as someone who installs it gets it: `npm pack`, `npm install` into
 * an empty project, and everything that the project may then do with it.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { cloneRepository, environmentForNpm, NPM } from '../support/clone.ts'
import { addFiles, folderOf, startServer } from '../support/server.ts'

/** A third more than it has: sources or tests that got in would double it. */
const PACKED_BYTES_MAX = 1_000_000
const FILE_BYTES_MAX = 100_000

/** What belongs into the package; all else is for who works on it. */
const BELONGS = [
  /^package\.json$/,
  /^(?:README|ARCHITECTURE|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^bin\/(?:prefork|package\.json)$/,
  /^docs\/[\w-]+\.md$/,
  /^deploy\/[\w.-]+$/,
  /^dist\/src\/admin\/page\/[\w-]+\.(?:css|html|svg)$/,
  /^dist\/src\/[\w/-]+(?:\.d\.ts|\.js)$/,
]
const NEEDED = [
  'bin/prefork',
  'dist/src/main.js',
  'dist/src/admin/page/page.html',
  'dist/src/index.d.ts',
  'dist/src/kernel/index.d.ts',
  'LICENSE',
  'README.md',
]

test('npm pack, npm install, and away', async (t) => {
  const tarball = pack(t)
  await t.test('the tarball holds what is needed and nothing else', () => lookInto(tarball))

  const project = folderOf(t, { 'package.json': '{ "name": "project", "private": true, "type": "module" }' })
  npm(project, ['install', '--prefer-offline', tarball])
  const bin = join(project, 'node_modules/.bin/prefork')

  await t.test('prefork ./public', async (t) => {
    addFiles(project, { 'public/index.html': 'public' })
    await serves(t, { cwd: project, command: [bin], args: ['./public'] }, 'public')
  })

  await t.test('through a symbolic link, from another folder', async (t) => {
    const elsewhere = folderOf(t)
    symlinkSync(bin, join(elsewhere, 'link'))
    await serves(t, { cwd: elsewhere, command: ['./link'], args: [join(project, 'public')] }, 'public')
  })

  await t.test('with a prefork.config.ts that imports defineConfig', async (t) => {
    addFiles(project, { 'prefork.config.ts': CONFIG, 'app.ts': APP })
    const server = await serves(t, { cwd: project, command: [bin] }, 'app for 127.0.0.1')
    assert.equal(server.workers().length, 1)
  })

  await t.test('prefork/kernel', () => {
    addFiles(project, { 'kernel.mjs': KERNEL })
    const { status, stdout, stderr } = spawnSync(process.execPath, ['kernel.mjs'], { cwd: project, encoding: 'utf8' })
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'bound by IPv4\n', stderr: '' })
  })

  await t.test('types, for a strict compiler that skips nothing', () => compiles(project))
})

const CONFIG = `import { defineConfig } from 'prefork'
export default defineConfig({ target: './app.ts', workers: 1, limits: { bodyBytes: 1000 } })
`

const APP = `import type { App } from 'prefork'
const app: App = { fetch: (request, context) => new Response(\`app for \${context.remoteAddress}\`) }
export default app
`

const KERNEL = `import { AF_INET, bind, close, getsockname, SOCK_STREAM, socket, socketAddress } from 'prefork/kernel'
const fd = socket(AF_INET, SOCK_STREAM)
bind(fd, socketAddress('127.0.0.1', 0))
console.log('bound by ' + getsockname(fd).family)
close(fd)
`

const MISUSE = `import { defineConfig } from 'prefork'
import { socket } from 'prefork/kernel'
// @ts-expect-error: a port is a number
defineConfig({ port: '8080' })
// @ts-expect-error: there is no such option
defineConfig({ prot: 8080 })
// @ts-expect-error: a domain is a number
socket('AF_INET', 1)
`

const TSCONFIG = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    module: 'NodeNext',
    target: 'ES2023',
    lib: ['ES2023'],
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [resolve('node_modules/@types')],
  },
  include: ['*.ts'],
}

/** In a copy: packing builds first. */
function pack(t: TestContext): string {
  const folder = folderOf(t)
  npm(cloneRepository(t), ['pack', '--pack-destination', folder])
  const [name, ...more] = readdirSync(folder)
  assert.match(name ?? '', /^prefork-\d+\.\d+\.\d+.*\.tgz$/)
  assert.deepEqual(more, [])
  return join(folder, name!)
}

function lookInto(tarball: string): void {
  const { stdout } = spawnSync('tar', ['--list', '--verbose', '--gzip', '--file', tarball], { encoding: 'utf8' })
  const files = stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [mode, , size, , , name] = line.split(/\s+/)
      return { mode: mode!, size: Number(size), name: name!.replace(/^package\//, '') }
    })
  const names = files.map(({ name }) => name)
  assert.deepEqual(
    names.filter((name) => !BELONGS.some((pattern) => pattern.test(name)) || /\btest\b/.test(name)),
    [],
  )
  for (const name of NEEDED) assert.ok(names.includes(name), `${name} is missing`)
  assert.match(files.find(({ name }) => name === 'bin/prefork')!.mode, /^-rwxr-xr-x$/)
  assert.deepEqual(
    files.filter(({ size }) => size > FILE_BYTES_MAX),
    [],
  )
  const packedBytes = readFileSync(tarball).length
  assert.ok(packedBytes < PACKED_BYTES_MAX, `the package has ${packedBytes} bytes`)
}

async function serves(t: TestContext, options: Parameters<typeof startServer>[1], text: string) {
  const server = await startServer(t, { ...options, env: environmentForNpm() })
  const response = await fetch(server.url)
  assert.deepEqual([response.status, await response.text()], [200, text])
  return server
}

function compiles(project: string): void {
  addFiles(project, { 'tsconfig.json': JSON.stringify(TSCONFIG), 'kernel.ts': KERNEL, 'misuse.ts': MISUSE })
  const compiler = realpathSync('node_modules/.bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [compiler, '--project', project], { encoding: 'utf8' })
  assert.deepEqual({ status, stdout }, { status: 0, stdout: '' })
}

function npm(cwd: string, args: readonly string[]): void {
  const env = { ...process.env, ...environmentForNpm() }
  const { status, stdout, stderr } = spawnSync(NPM, args, { cwd, env, encoding: 'utf8' })
  assert.equal(status, 0, `npm ${args.join(' ')}\n${stdout}${stderr}`)
}

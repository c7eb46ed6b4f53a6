/** The scripts that make a clone ready, run in a small repository of a test's own. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'

const LOCK = {
  packages: { '': {}, 'node_modules/a': { integrity: '1' }, 'node_modules/b': { integrity: '2', optional: true } },
}

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

class Repository {
  readonly config = {
    compilerOptions: {
      rootDir: '.',
      outDir: 'dist',
      incremental: true,
      tsBuildInfoFile: 'dist/.tsbuildinfo',
      types: [],
      lib: ['ES2023'],
      skipLibCheck: true,
    },
    include: ['src'],
  }
  readonly root = mkdtempSync(join(tmpdir(), 'prefork-scripts-'))

  constructor(t: TestContext) {
    t.after(() => rmSync(this.root, { recursive: true }))
    cpSync('scripts', join(this.root, 'scripts'), { recursive: true })
    this.write('package.json', { type: 'module', engines: { node: '>=20.19' } })
    this.write('package-lock.json', LOCK)
    this.write('tsconfig.json', this.config)
    this.write('src/a.ts', 'export const a: number = 1')
  }

  write(path: string, content: unknown): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    writeFileSync(join(this.root, path), typeof content === 'string' ? content : JSON.stringify(content))
  }

  remove(path: string): void {
    rmSync(join(this.root, path))
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path))
  }

  builtAt(): number {
    return statSync(join(this.root, 'dist/.built')).mtimeMs
  }

  withCompiler(): this {
    mkdirSync(join(this.root, 'node_modules'), { recursive: true })
    symlinkSync(join(process.cwd(), 'node_modules/.bin'), join(this.root, 'node_modules/.bin'))
    return this
  }

  /** With an `npm` that only prints how it was called. */
  run(script: string, ...args: string[]): Outcome {
    this.write('bin/npm', '#!/bin/sh\necho npm "$@"\n')
    spawnSync('chmod', ['+x', join(this.root, 'bin/npm')])
    const env = { ...process.env, PATH: `${join(this.root, 'bin')}${delimiter}${process.env.PATH}` }
    const file = join(this.root, 'scripts', script)
    const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { env, encoding: 'utf8' })
    return { status, stdout, stderr }
  }
}

const QUIET_SUCCESS: Outcome = { status: 0, stdout: '', stderr: '' }

test('build compiles, and builds again only what changed', (t) => {
  const repository = new Repository(t).withCompiler()
  assert.deepEqual(repository.run('build.mjs', '--if-possible'), QUIET_SUCCESS)
  assert.ok(repository.has('dist/src/a.js'))

  const builtAt = repository.builtAt()
  assert.deepEqual(repository.run('build.mjs', '--if-possible'), QUIET_SUCCESS)
  assert.equal(repository.builtAt(), builtAt)

  repository.write('src/b.ts', 'export const b: number = 2')
  assert.deepEqual(repository.run('build.mjs', '--if-possible'), QUIET_SUCCESS)
  assert.ok(repository.has('dist/src/b.js'))
})

test('build removes what a deleted source left behind', (t) => {
  const repository = new Repository(t).withCompiler()
  repository.write('src/old/b.ts', 'export const b: number = 2')
  repository.run('build.mjs')
  assert.ok(repository.has('dist/src/old/b.js'))
  repository.remove('src/old/b.ts')
  assert.deepEqual(repository.run('build.mjs'), QUIET_SUCCESS)
  assert.ok(!repository.has('dist/src/old'))
  assert.ok(repository.has('dist/src/a.js'))
})

test('build compiles the status page for a browser, and copies what else it is made of', (t) => {
  const repository = new Repository(t).withCompiler()
  const page = 'src/admin/page'
  repository.write(`${page}/tsconfig.json`, {
    extends: '../../../tsconfig.json',
    compilerOptions: { lib: ['ES2023', 'DOM'], tsBuildInfoFile: '../../../dist/.tsbuildinfo-page' },
    include: ['.'],
    exclude: [],
  })
  repository.write('tsconfig.json', { ...repository.config, exclude: [page] })
  repository.write(`${page}/page.ts`, 'document.title = location.href')
  repository.write(`${page}/page.css`, 'p {}')
  assert.deepEqual(repository.run('build.mjs', '--if-possible'), QUIET_SUCCESS)
  assert.ok(repository.has(`dist/${page}/page.js`) && repository.has(`dist/${page}/page.css`))
  const builtAt = repository.builtAt()
  repository.run('build.mjs', '--if-possible')
  assert.equal(repository.builtAt(), builtAt)

  repository.remove(`${page}/page.css`)
  repository.write(`${page}/new.svg`, '<svg/>')
  assert.deepEqual(repository.run('build.mjs', '--if-possible'), QUIET_SUCCESS)
  assert.ok(!repository.has(`dist/${page}/page.css`) && repository.has(`dist/${page}/new.svg`))
})

test('build makes an output again that somebody deleted', (t) => {
  const repository = new Repository(t).withCompiler()
  repository.run('build.mjs')
  repository.remove('dist/src/a.js')
  assert.deepEqual(repository.run('build.mjs', '--if-possible'), QUIET_SUCCESS)
  assert.ok(repository.has('dist/src/a.js'))
})

test('a type error fails the build, every time it is asked for', (t) => {
  const repository = new Repository(t).withCompiler()
  repository.write('src/a.ts', "export const a: number = 'one'")
  for (const args of [['--if-possible'], ['--if-possible'], []]) {
    const { status, stdout } = repository.run('build.mjs', ...args)
    assert.equal(status, 1)
    assert.match(stdout, /src\/a\.ts/)
  }
})

test('without a compiler, prepare does nothing and build says what to do', (t) => {
  const repository = new Repository(t)
  assert.deepEqual(repository.run('build.mjs', '--if-possible'), QUIET_SUCCESS)
  assert.deepEqual(repository.run('build.mjs'), {
    status: 1,
    stdout: '',
    stderr: "The TypeScript compiler is not installed: run 'npm ci' first\n",
  })
})

const INSTALLS = /^Installing the dependencies \(npm ci\)\nnpm ci --include=dev --ignore-scripts\n$/

test('setup installs when nothing is installed', (t) => {
  const { stdout } = new Repository(t).run('setup.mjs')
  assert.match(stdout, INSTALLS)
})

test('setup installs when what is installed is not what is locked', (t) => {
  const older = { ...LOCK.packages, 'node_modules/a': { integrity: '0' } }
  const extra = { ...LOCK.packages, 'node_modules/c': { integrity: '3' } }
  const lacking = { 'node_modules/b': { integrity: '2' } }
  for (const packages of [older, extra, lacking]) {
    const repository = new Repository(t)
    repository.write('node_modules/.package-lock.json', { packages })
    assert.match(repository.run('setup.mjs').stdout, INSTALLS)
  }
})

test('setup says nothing and does nothing when all is there', (t) => {
  const repository = new Repository(t).withCompiler()
  // Of optional packages only those for this machine are installed.
  repository.write('node_modules/.package-lock.json', { packages: { 'node_modules/a': { integrity: '1' } } })
  assert.deepEqual(repository.run('setup.mjs'), QUIET_SUCCESS)
  const builtAt = repository.builtAt()
  assert.deepEqual(repository.run('setup.mjs'), QUIET_SUCCESS)
  assert.equal(repository.builtAt(), builtAt)
})

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { importModule } from './import-module.ts'
import { ParseFailure } from './parse-failure.ts'

const folder = mkdtempSync(join(tmpdir(), 'prefork-import-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, source: string): string {
  const path = join(folder, name)
  writeFileSync(path, source)
  return path
}

async function defaultOf(path: string): Promise<unknown> {
  return ((await importModule(path)) as { default: unknown }).default
}

file('package.json', '{ "type": "module" }')
file('other.ts', 'export interface Shape { side: number }\nexport const two: number = 2\n')
file('colours.ts', 'export enum Colour { Red, Blue }\n')

const LOADS: readonly (readonly [what: string, name: string, source: string, value: unknown])[] = [
  ['JavaScript', 'a.js', 'export default 1', 1],
  ['JavaScript, .mjs', 'b.mjs', 'export default 1', 1],
  ['types only', 'c.ts', 'type A = { b: number }\nconst a: A = { b: 1 } satisfies A\nexport default a.b as number', 1],
  ['TypeScript, .mts', 'd.mts', 'const a: number = 1\nexport default a', 1],
  [
    'another .ts file',
    'e.ts',
    "import { two, type Shape } from './other.ts'\nexport default { side: two } as Shape",
    { side: 2 },
  ],
  ['top-level await', 'f.ts', 'const a: number = await Promise.resolve(1)\nexport default a', 1],
  [
    'import.meta.url',
    'g.ts',
    'const a: string = import.meta.url\nexport default a',
    pathToFileURL(join(folder, 'g.ts')).href,
  ],
  ['an enum', 'h.ts', 'enum Colour { Red, Blue }\nexport default Colour.Blue', 1],
  ['an enum from JavaScript', 'i.js', "import { Colour } from './colours.ts'\nexport default Colour.Blue", 1],
  ['a parameter property', 'j.ts', 'class A { constructor(readonly b: number) {} }\nexport default new A(1).b', 1],
  ['an import without extension', 'k.ts', "import { two } from './other'\nexport default two", 2],
  ['an import of .js meaning .ts', 'l.ts', "import { two } from './other.js'\nexport default two", 2],
  [
    'a type imported without saying so',
    'm.ts',
    "import { Shape, two } from './other.ts'\nexport default { side: two } as Shape",
    { side: 2 },
  ],
]

for (const [what, name, source, value] of LOADS) {
  test(`loads: ${what}`, async () => assert.deepEqual(await defaultOf(file(name, source)), value))
}

const VALUE = "import { defineConfig } from 'prefork'\nexport default defineConfig({ port: 1 })"
const KERNEL = "import { getpid } from 'prefork/kernel'\nexport default getpid()"
const TYPE = "import type { Options } from 'prefork'\nexport default { port: 1 } satisfies Options"
const BOTH =
  "import { defineConfig, Options } from 'prefork'\nconst a: Options = { port: 1 }\nexport default defineConfig(a)"

for (const type of ['ts', 'mts', 'js', 'mjs']) {
  test(`prefork is found where it is not installed, by .${type}`, async () => {
    assert.deepEqual(await defaultOf(file(`value.${type}`, VALUE)), { port: 1 })
    assert.equal(await defaultOf(file(`kernel.${type}`, KERNEL)), process.pid)
    assert.deepEqual(await defaultOf(file(`through.${type}`, `export { default } from './value.${type}'`)), { port: 1 })
    if (!type.endsWith('ts')) return
    assert.deepEqual(await defaultOf(file(`type.${type}`, TYPE)), { port: 1 })
    assert.deepEqual(await defaultOf(file(`both.${type}`, BOTH)), { port: 1 })
  })
}

test('it is the prefork that runs, not a copy', async () => {
  const path = file('same.ts', "import * as kernel from 'prefork/kernel'\nexport default kernel")
  const { getpid } = (await defaultOf(path)) as { getpid: unknown }
  assert.equal(getpid, ((await import('../kernel/index.ts')) as { getpid: unknown }).getpid)
})

test('a prefork that is installed goes first, also where jiti imports', async () => {
  const installed = join(folder, 'project/node_modules/prefork')
  mkdirSync(installed, { recursive: true })
  writeFileSync(join(installed, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
  writeFileSync(join(installed, 'index.js'), 'export const defineConfig = () => "installed"')
  for (const type of ['ts', 'mts', 'mjs']) {
    assert.equal(await defaultOf(file(`project/value.${type}`, VALUE)), 'installed')
  }
  assert.equal(await defaultOf(file('project/enum.ts', `${VALUE}\nenum A { B }`)), 'installed')
})

test('what else is not there is named, where prefork is found', async () => {
  const path = file('lacks.mjs', `${VALUE}\nimport 'prefork-no-such-package'`)
  await assert.rejects(importModule(path), /Cannot find (package|module) 'prefork-no-such-package'/)
})

test('no default export is none, on every version of Node', async () => {
  for (const source of ['export const a: number = 1', 'export enum Colour { Red }']) {
    assert.equal(await defaultOf(file(`n${source.length}.ts`, source)), undefined)
  }
})

const THROWS: readonly (readonly [what: string, name: string, source: string, message: RegExp])[] = [
  ['JavaScript that throws', 'o.js', "throw new RangeError('boom')", /^boom$/],
  ['TypeScript that throws', 'p.ts', "const a: string = 'boom'\nthrow new RangeError(a)", /^boom$/],
  ['an enum, then a throw', 'q.ts', "enum A { B = 'boom' }\nthrow new RangeError(A.B)", /^boom$/],
]

for (const [what, name, source, message] of THROWS) {
  test(`throws its own error: ${what}`, async () => {
    const path = file(name, source)
    await assert.rejects(importModule(path), (error: Error) => {
      assert.ok(error instanceof RangeError)
      assert.match(error.message, message)
      assert.ok(error.stack?.includes(path), error.stack)
      return true
    })
  })
}

test('what is not there is named', async () => {
  const path = file('r.ts', "import 'prefork-no-such-package'\nexport const a: number = 1")
  await assert.rejects(importModule(path), /Cannot find (package|module) 'prefork-no-such-package'/)
})

const UNPARSABLE: readonly (readonly [what: string, name: string, source: string, place: string, message: RegExp])[] = [
  ['TypeScript', 's.ts', 'export default {\n  a: 1\n  b: 2\n}', 's.ts:3', /^(Unexpected token|Expected ',')/],
  ['an enum, too', 't.ts', 'enum A { B }\nexport default { a: 1 b }', 't.ts:2', /^(Unexpected token|Expected ',')/],
  ['JavaScript', 'v.mjs', 'export default {\n  a: 1\n  b: 2\n}', 'v.mjs:3', /^Unexpected identifier/],
  ['what it imports', 'w.mjs', "\n\nimport './v.mjs'", 'v.mjs:3', /^Unexpected identifier/],
  [
    'what JavaScript exports',
    'x.mjs',
    "\nimport { a } from './b.mjs'",
    'x.mjs:2',
    /does not provide an export named 'a'/,
  ],
]

for (const [what, name, source, place, message] of UNPARSABLE) {
  test(`what cannot be parsed is named, and the line: ${what}`, async () => {
    await assert.rejects(importModule(file(name, source)), (error: Error) => {
      assert.ok(error instanceof ParseFailure, String(error.stack))
      assert.equal(error.place, join(folder, place))
      assert.match(error.message, message)
      assert.ok(inspect(error).startsWith(`${error.place}\n`), inspect(error))
      assert.ok(inspect(error).endsWith(`\nSyntaxError: ${error.message}`), inspect(error))
      return true
    })
  })
}

test("a SyntaxError of the module's own is left as it is", async () => {
  await assert.rejects(importModule(file('y.mjs', "JSON.parse('{')")), (error: Error) => {
    assert.ok(error instanceof SyntaxError && error.stack?.includes('y.mjs:1'), error.stack)
    return true
  })
})

test('a module is run once, however often imported', async () => {
  const path = file('u.ts', 'const now: object = {}\nexport default now')
  assert.equal(await defaultOf(path), await defaultOf(path))
})

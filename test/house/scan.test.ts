import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { blank, functionsOf, importsOf } from './scan.ts'

/** In these samples ~ stands for a backtick, and @ for a dollar. */
const source = (text: string) => text.replaceAll('~', '`').replaceAll('@', '$')

for (const [sample, code] of [
  ['a // b', 'a     '],
  ['a /* b\nc */ d', 'a     \n     d'],
  ["a = 'b // c'", "a = '      '"],
  ["a = 'it\\'s' + b", "a = '     ' + b"],
  ['a = "\'" + b', 'a = " " + b'],
  ["a = '' + b", "a = '' + b"],
  ['a = ~b @{c + "d"} e~ + f', 'a = ~   {c + " "}  ~ + f'],
  ['a = ~b @{c(~d @{{ e: 1 }}~)} f~ + g', 'a = ~   {c(~   {{ e: 1 }}~)}  ~ + g'],
  ['a = ~\\@{b}~ + c', 'a = ~     ~ + c'],
  ['a = /[\'"]/.test(b)', 'a =       .test(b)'],
  ["a = b / c + d / 'e'", "a = b / c + d / ' '"],
  ['return /[/`]/g', 'return        '],
] as const) {
  test(`blank: ${sample.replaceAll('\n', '⏎')}`, () => assert.equal(blank(source(sample)), source(code)))
}

test('blank keeps the length and the lines of a real file', () => {
  const text = readFileSync('test/house/scan.ts', 'utf8')
  const code = blank(text)
  assert.equal(code.length, text.length)
  assert.equal(code.split('\n').length, text.split('\n').length)
})

const IMPORTS: readonly (readonly [string, readonly string[]])[] = [
  ["import a from './a.ts'", ['./a.ts:1']],
  ["import './a.ts'", ['./a.ts:1']],
  ['import * as a from \'a\'\nimport b, { c } from "./b.ts"', ['a:1', './b.ts:2']],
  ["import {\n  a,\n  b,\n} from './a.ts'", ['./a.ts:1']],
  ["import type { A } from './a.ts'", ['./a.ts:1 type']],
  ["import type A from './a.ts'", ['./a.ts:1 type']],
  ["import type from './a.ts'", ['./a.ts:1']],
  ["import { type A, b } from './a.ts'", ['./a.ts:1']],
  [
    "export { a } from './a.ts'\nexport * from './b.ts'\nexport type { C } from './c.ts'",
    ['./a.ts:1', './b.ts:2', './c.ts:3 type'],
  ],
  ["const a = await import('./a.ts')", ['./a.ts:1']],
  ["/** import a from './a.ts' */\n// import './a.ts'", []],
  ["const a = ~import a from './a.ts'~\nconst b = \"import './b.ts'\"", []],
  ["export interface A { from: string }\nconst b = 'c'", []],
]

for (const [sample, found] of IMPORTS) {
  test(`importsOf: ${sample.replaceAll('\n', '⏎')}`, () => {
    const told = importsOf(source(sample)).map((it) => `${it.specifier}:${it.line}${it.isType ? ' type' : ''}`)
    assert.deepEqual(told, found)
  })
}

/** Each with the lengths of the functions in it, in the order they close their parameters. */
const FUNCTIONS: readonly (readonly [string, readonly number[]])[] = [
  ['function a() {\n}', [2]],
  ['function a(\n  b: C,\n): D {\n}', [4]],
  ['const a = (b) => {\n  c()\n}', [3]],
  ['const a = (b) => b(\n)', []],
  ['const a = async (b: C): Promise<D<() => E>> => {\n\n}', [3]],
  ['function a(): { b: C } | null {\n}', [2]],
  ['function a(b): b is Map<C, D[]> {\n}', [2]],
  ['function a(): (b: C) => D {\n}', [2]],
  ['class A {\n  #b(): void {\n  }\n  get c() {\n  }\n}', [2, 2]],
  ['if (a) {\n}\nfor (const b of c) {\n}\nwhile (d) {\n}\nswitch (e) {\n}', []],
  ['try {\n} catch (a) {\n}', []],
  ['function a() {\n  return b(() => {\n  })\n}', [4, 2]],
  ["function a() {\n  b('}')\n  // }\n}", [4]],
  ['interface A {\n  b(c: D): E\n}\nconst f = {\n}', []],
]

for (const [sample, lengths] of FUNCTIONS) {
  test(`functionsOf: ${sample.replaceAll('\n', '⏎')}`, () => {
    assert.deepEqual(
      functionsOf(sample).map((it) => it.lines),
      lengths,
    )
  })
}

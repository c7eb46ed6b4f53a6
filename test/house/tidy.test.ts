import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  brokenPromises,
  longFiles,
  longFunctions,
  machinePaths,
  putOffWork,
  sleepsInTests,
  withoutHeader,
} from './tidy.ts'
import { assertNone, file, read, type TextFile } from './tree.ts'

const code = read(['src', 'test', 'examples', 'scripts', 'bench'], /\.m?ts$|\.mjs$/)
const texts = [...code, ...read(['docs', 'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'], /\.md$/)]

test('no file is over 400 lines', () => assertNone(longFiles(code)))
test('no function is over 70 lines', () => assertNone(longFunctions(code)))
test('every file says what it is', () =>
  assertNone(withoutHeader(code.filter((it) => /^(src|scripts|bench)\//.test(it.path)))))
test('no work is put off', () => assertNone(putOffWork(texts)))
test('no path of one machine is named', () => assertNone(machinePaths(texts)))
test('no test waits by the clock', () => assertNone(sleepsInTests(code)))
test('each folder keeps its promises', () => assertNone(brokenPromises(code)))

const lines = (count: number) => 'x\n'.repeat(count)
const WORD = `TO${'DO'}`

/** A rule, a file that breaks it, one that does not, and what the complaint must say: where, and the remedy. */
const RULES: readonly (readonly [(files: readonly TextFile[]) => string[], TextFile, TextFile, RegExp])[] = [
  [longFiles, file('a.ts', lines(401)), file('a.ts', lines(400)), /a\.ts has 401 lines.*a file$/],
  [longFunctions, body(69), body(68), /a\.ts:1 a function of 71 lines.*name its parts/],
  [withoutHeader, file('a.ts', 'const a = 1'), file('a.ts', '#!/usr/bin/env node\n/** A. */'), /a\.ts .*open it with/],
  [putOffWork, file('a.ts', `x\n// ${WORD}: more`), file('a.ts', `${WORD}S`), /a\.ts:2 .*do it now/],
  [machinePaths, file('a.md', `see ${'/home'}/me/x`), file('a.md', 'see ./home/me'), /a\.md:1 .*from the repository/],
  [
    sleepsInTests,
    file('a.test.ts', 'await f(setTimeout(r, 5))'),
    file('a.test.ts', "'setTimeout(r, 5)'"),
    /a\.test\.ts:1 .*wait for/,
  ],
  [
    sleepsInTests,
    file('a.test.ts', "import { setTimeout } from 'node:timers/promises'"),
    file('a.test.ts', "const app = `\nimport { setTimeout } from 'node:timers/promises'`"),
    /a\.test\.ts:1 .*wait for/,
  ],
  [sleepsInTests, file('a.test.ts', 'setTimeout(r)'), file('a.test.ts', 'setTimeout(r) // deadline'), /deadline/],
  [
    brokenPromises,
    file('src/http/a.ts', '\nDate.now()'),
    file('src/http/a.ts', '// Date.now()'),
    /a\.ts:2 .*passed in/,
  ],
  [
    brokenPromises,
    file('src/admin/page/a.ts', 'a.innerHTML = b'),
    file('src/admin/page/a.ts', 'a.text = b'),
    /dom\.ts/,
  ],
  [brokenPromises, file('src/net/a.ts', 'await b'), file('src/handlers/app/a.ts', 'await b'), /a\.ts:1 .*call back/],
]

function body(linesInside: number): TextFile {
  return file('a.ts', `function a() {\n${lines(linesInside)}}`)
}

for (const [rule, bad, good, says] of RULES) {
  test(`${rule.name} complains of a bad file and lets a good one be`, () => {
    assert.match(rule([bad]).join('\n'), says)
    assertNone(rule([good]))
  })
}

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { differingBlocks, differingPrograms, lackingSteps, withoutCounterpart } from './learn.ts'
import { assertNone, file, read } from './tree.ts'

const pages = read(['docs/learn'], /\.md$/)
const isKorean = (path: string) => path.startsWith('docs/learn/ko/')
const english = pages.filter(({ path }) => !isKorean(path))
const korean = pages.filter(({ path }) => isKorean(path))
const isStep = ({ path }: { path: string }) => /\/\d+-[^/]+$/.test(path)
const contentsOf = (language: typeof pages) => language.find(({ path }) => path.endsWith('/README.md'))!

test('every page of the lesson is there in both languages, and they lead to each other', () => {
  assertNone(withoutCounterpart(english, korean))
})

for (const language of [english, korean]) {
  const contents = contentsOf(language)
  test(`${contents.path} lists every step`, () => assertNone(lackingSteps(contents, language.filter(isStep))))
}

test('the lesson runs every program of examples/seed, and no other', () => {
  const programs = readdirSync('examples/seed').filter((name) => name.endsWith('.ts'))
  for (const language of [english, korean]) assertNone(differingPrograms(language, programs))
})

test('what is typed and printed is the same in both languages', () => {
  assertNone(
    english.flatMap((page) => differingBlocks(page, korean.find(({ path }) => path.endsWith(page.path.slice(10)))!)),
  )
})

test('withoutCounterpart finds a page that is alone, and one that leads nowhere', () => {
  const lone = [file('docs/learn/1-a.md', '[한국어](ko/1-a.md)'), file('docs/learn/2-b.md', '')]
  assert.equal(withoutCounterpart(lone, [file('docs/learn/ko/1-a.md', '[English](../1-a.md)')]).length, 1)
  assert.equal(withoutCounterpart([lone[0]!], [file('docs/learn/ko/1-a.md', '')]).length, 1)
})

test('lackingSteps finds a step that is not listed', () => {
  const steps = [file('docs/learn/1-a.md', ''), file('docs/learn/2-b.md', '')]
  assertNone(lackingSteps(file('R.md', '| [1. A](1-a.md) |\n| [2. B](2-b.md) |'), steps))
  assert.equal(lackingSteps(file('R.md', '| [1. A](1-a.md) |'), steps).length, 1)
})

test('differingPrograms finds a program that is never run, and a run of none', () => {
  const step = file('docs/learn/1-a.md', 'npm run seed -- 01\nnpm run seed -- 03')
  assert.equal(differingPrograms([step], ['01-a.ts', '02-b.ts']).length, 2)
})

test('differingBlocks compares what is typed and printed, and not what is translated', () => {
  const page = (block: string) => file('a.md', `\`\`\`\n${block}\n\`\`\`\n`)
  assertNone(differingBlocks(page('$ x   # one\n   drawing'), page('$ x   # 하나\n   그림')))
  assert.equal(differingBlocks(page('$ x\nsaid 1'), page('$ x\nsaid 2')).length, 2)
})

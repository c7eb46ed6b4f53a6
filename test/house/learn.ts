/**
 * The lesson in docs/learn: it is there in two languages, and both are the same
 * lesson. What is typed and what is printed does not depend on the language, so it
 * must not differ; a number corrected in one and not in the other is found here.
 */
import { basename, dirname } from 'node:path'
import type { TextFile } from './tree.ts'

/** A page of one language that the other lacks, or that does not lead there. */
export function withoutCounterpart(english: readonly TextFile[], korean: readonly TextFile[]): string[] {
  return [...lacking(english, korean), ...lacking(korean, english)]
}

function lacking(pages: readonly TextFile[], others: readonly TextFile[]): string[] {
  return pages.flatMap((page) => {
    const other = others.find(({ path }) => basename(path) === basename(page.path))
    if (other === undefined) return [`${page.path} is there in one language only: translate it`]
    const link = dirname(other.path).startsWith(dirname(page.path))
      ? `(ko/${basename(page.path)})`
      : `(../${basename(page.path)})`
    return page.text.includes(link) ? [] : [`${page.path} does not lead to the other language: link ${link}`]
  })
}

/** The contents name every step, in its order. */
export function lackingSteps(contents: TextFile, steps: readonly TextFile[]): string[] {
  const told = [...contents.text.matchAll(/^\| \[\d+\. [^\]]+\]\(([^)]+)\)/gm)].map(([, target]) => target!)
  const real = steps.map(({ path }) => basename(path)).sort()
  return told.join() === real.join()
    ? []
    : [`${contents.path} lists ${told.join(', ')}; the steps are ${real.join(', ')}`]
}

/** Programs that no step runs, and runs of programs that there are not: `npm run seed -- 04`. */
export function differingPrograms(steps: readonly TextFile[], programs: readonly string[]): string[] {
  const runs = steps.flatMap(({ path, text }) =>
    [...text.matchAll(/npm run seed -- (\d+)/g)].map(([, number]) => ({ path, number: number! })),
  )
  const isRun = (program: string) => runs.some(({ number }) => program.startsWith(`${number}-`))
  return [
    ...programs.filter((program) => !isRun(program)).map((program) => `no step of docs/learn runs ${program}: add one`),
    ...runs
      .filter(({ number }) => !programs.some((program) => program.startsWith(`${number}-`)))
      .map(({ path, number }) => `${path} runs program ${number}, which does not exist: correct the page`),
  ]
}

/** Lines that stand in a block of one page and not of the other: drawings and remarks are translated, the rest is not. */
export function differingBlocks(english: TextFile, korean: TextFile): string[] {
  const [a, b] = [typedOrPrinted(english.text), typedOrPrinted(korean.text)]
  const only = (lines: readonly string[], others: readonly string[]) => lines.filter((line) => !others.includes(line))
  return [...only(a, b), ...only(b, a)].map(
    (line) => `"${line}" stands in one of ${english.path} and ${korean.path}: correct the other`,
  )
}

/** A line of a drawing: indented, or made of these. */
const DRAWN = /[│─┌└▶◀]|^ {3}/
/** What a block says beside a command. */
const REMARK = /\s+(?:#|\/\/) .*$/

function typedOrPrinted(text: string): string[] {
  return [...text.matchAll(/^```\n(.*?)^```$/gms)]
    .flatMap(([, block]) => block!.split('\n'))
    .map((line) => line.replace(REMARK, '').trimEnd())
    .filter((line) => line !== '' && !DRAWN.test(line))
}

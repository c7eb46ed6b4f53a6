/**
 * How a file must look: its size, how it opens, what it must not hold. Rules of
 * taste are left to the linter.
 */
import { blank, functionsOf, importsOf, lineAt } from './scan.ts'
import type { TextFile } from './tree.ts'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70

export function longFiles(files: readonly TextFile[]): string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
    .map(({ path, lines }) => `${path} has ${lines} lines, over ${FILE_LINES_MAX}: give one of its duties a file`)
}

export function longFunctions(files: readonly TextFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    functionsOf(text)
      .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
      .map(
        ({ line, lines }) => `${path}:${line} a function of ${lines} lines, over ${FUNCTION_LINES_MAX}: name its parts`,
      ),
  )
}

/** A file says first what it is, before its imports. */
export function withoutHeader(files: readonly TextFile[]): string[] {
  return files
    .filter(({ path, text }) => !path.includes('.test.') && !/^(?:#!.*\n)?\/\*\*/.test(text))
    .map(({ path }) => `${path} does not say what it is: open it with a /** comment */, see CONTRIBUTING.md`)
}

/** Assembled, so that this file does not hold the words itself. */
const PUT_OFF = new RegExp(
  String.raw`\b(?:${['TO', 'FIX', 'XX'].map((start, i) => start + ['DO', 'ME', 'X'][i]).join('|')})\b`,
  'g',
)

export function putOffWork(files: readonly TextFile[]): string[] {
  return found(files, PUT_OFF).map(
    (it) => `${it.where} holds ${it.text}: do it now, or file an issue and remove the note`,
  )
}

/** Paths that exist on one machine only. */
const MACHINE_PATH = /(?<=^|[\s'"`(=:])\/(?:work|home|Users)\/[\w.]+/gm

export function machinePaths(files: readonly TextFile[]): string[] {
  return found(files, MACHINE_PATH).map((it) => `${it.where} names ${it.text}: write it from the repository's root`)
}

const SLEEP = /\bsetTimeout\s*\(|\bAtomics\.wait\s*\(|\bscheduler\.wait\s*\(/g
const SLEEP_MODULE = 'node:timers/promises'
const IS_DEADLINE = /\/\/ deadline\b/

/** A test waits for what it needs. A timer is for giving up: such a line says `// deadline`. Apps in strings may sleep. */
export function sleepsInTests(files: readonly TextFile[]): string[] {
  return files
    .filter((file) => file.path.endsWith('.test.ts'))
    .flatMap(({ path, text }) => {
      const code = blank(text)
      const calls = [...code.matchAll(SLEEP)].map((hit) => lineAt(code, hit.index))
      const imports = importsOf(text).filter((it) => it.specifier === SLEEP_MODULE)
      const lines = text.split('\n')
      return [...calls, ...imports.map((it) => it.line)]
        .filter((line) => !IS_DEADLINE.test(lines[line - 1]!))
        .map((line) => `${path}:${line} waits by the clock: wait for what it needs, or say // deadline if it gives up`)
    })
}

/** What a folder promises never to do, as words that its code must not hold. */
const NEVER: readonly { readonly place: string; readonly what: RegExp; readonly why: string }[] = [
  {
    place: 'src/http/',
    what: /\b(?:Date\.now|performance\.now|setTimeout|setInterval|setImmediate|new Date\(\)|process\.)/g,
    why: 'http/ reads no clock and knows no process; have the value passed in',
  },
  {
    place: 'src/admin/page/',
    what: /\b(?:process\.|Buffer\b|(?:inner|outer)HTML\b|insertAdjacentHTML\b|setHTML\w*|DOMParser\b|eval\b|new Function\b)/g,
    why: 'the page runs in a browser and makes no markup of text; use dom.ts',
  },
  ...['src/http/', 'src/kernel/', 'src/net/', 'src/handlers/static/'].map((place) => ({
    place,
    what: /\b(?:async|await)\b/g,
    why: `${place.slice(4)} never awaits; call back when it is done`,
  })),
]

export function brokenPromises(files: readonly TextFile[]): string[] {
  return NEVER.flatMap(({ place, what, why }) => {
    const inside = files.filter((file) => file.path.startsWith(place) && !file.path.includes('.test.'))
    const code = inside.map((file) => ({ path: file.path, text: blank(file.text) }))
    return found(code, what).map((it) => `${it.where} holds ${it.text}: ${why}`)
  })
}

function found(files: readonly TextFile[], pattern: RegExp): { readonly where: string; readonly text: string }[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((hit) => ({ where: `${path}:${lineAt(text, hit.index)}`, text: hit[0] })),
  )
}

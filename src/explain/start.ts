/**
 * A child of an explained server, as a program: explains the one that it runs.
 *
 *     node dist/src/explain/start.js <mode> dist/src/preloader/main.js <boot fd>
 */
import { pathToFileURL } from 'node:url'
import { beginToExplain } from './begin.ts'
import { modeOf } from './mode.ts'

const [word, program] = process.argv.slice(2) as [string, string]
process.argv.splice(1, 3, program) // what the program and the app find there is what they would find unexplained
await beginToExplain(modeOf(word))
await import(pathToFileURL(program).href)

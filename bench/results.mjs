/**
 * What has been measured so far, kept as it comes: each workload with its own
 * conditions and every sample. The file is written anew after each round, whole or
 * not at all, so that a run that is cut short loses nothing but the round it was in;
 * what it holds of other workloads stays.
 *
 *     { "hello": { "conditions": { … }, "rows": [{ "server": "nginx", …, "samples": [ … ] }] } }
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { lineOf } from './conditions.mjs'
import { median } from './figures.mjs'
import { table, writeInto } from './tables.mjs'
import { WORKLOADS } from './workloads.mjs'

export class Results {
  #file
  #kept

  /** Of `file`, which need not exist; without one, nothing is kept beyond this process. */
  constructor(file) {
    this.#file = file
    this.#kept = file === undefined ? {} : (readJson(file) ?? {})
  }

  get names() {
    return Object.keys(this.#kept)
  }

  get(name) {
    return this.#kept[name]
  }

  keep(name, result) {
    this.#kept[name] = result
    if (this.#file !== undefined) replaceFile(this.#file, `${JSON.stringify(this.#kept, null, 2)}\n`)
  }
}

/** A workload's conditions and its table, as they stand in a page. */
export function textOf(name, { conditions, rows }, { columns, ratioOf = 'cpuUs' }) {
  const yardstick = rows.find(({ server }) => server === WORKLOADS[name].yardstick)
  const shown = columns.filter((column) => column !== 'ratio' || yardstick !== undefined)
  const compared = rows.map((row) => ({
    ...row,
    ratio: yardstick === undefined ? null : ratio(row, yardstick, ratioOf),
  }))
  return `${lineOf(conditions)}\n\n${table(compared, shown, yardstick?.title)}`
}

/** The median of what it was in each round: what else the machine did then, it did to both. */
function ratio({ samples }, yardstick, figure) {
  const ratios = samples.map((sample, round) => sample[figure] / yardstick.samples[round]?.[figure])
  return ratios.every(Number.isFinite) ? median(ratios) : null
}

/** Replaces in the page what stands at these names, and nothing else. */
export function writePage(file, texts) {
  replaceFile(file, writeInto(readFileSync(file, 'utf8'), texts))
}

function replaceFile(file, text) {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw new Error(`${file} holds something else than figures: ${error.message}`)
  }
}

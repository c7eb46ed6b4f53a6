/**
 * Tens of thousands of connections that wait, held by as many processes as it takes
 * (holder.mjs): one process may not have so many descriptors, one address not so many
 * ports. Each holder has addresses of its own, 127.0.1.1 and so on.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { filesAllowed, withFiles } from './files.mjs'
import { PIN_LOAD } from './program.mjs'

const HOLDER = fileURLToPath(new URL('holder.mjs', import.meta.url))
const EACH_MAX = 12_500
/** Descriptors that a holder needs besides. */
const SPARE = 100
const ADDRESSES_EACH = 5

/** { held, complaint, open(), letGo() }: as hold(), of all; `open` and `letGo` are to be waited for. */
export async function holdCrowd(url, count) {
  const files = filesAllowed(EACH_MAX + SPARE)
  const shares = sharesOf(count, files - SPARE)
  const holders = shares.map((share, i) => new Holder(files, [url, share, ...addressesOf(i)]))
  try {
    // One after the other, so that they do not share what a queue of the server's holds.
    const told = []
    for (const holder of holders) told.push(await holder.ask('hold'))
    return {
      held: sum(told),
      complaint: told.find(({ complaint }) => complaint !== null)?.complaint ?? null,
      open: async () => sum(await Promise.all(holders.map((holder) => holder.ask('count')))),
      letGo: () => Promise.all(holders.map((holder) => holder.end())),
    }
  } catch (error) {
    await Promise.all(holders.map((holder) => holder.end()))
    throw error
  }
}

/** So many, in as few even shares as there may be of at most `most`. */
export function sharesOf(count, most) {
  const holders = Math.ceil(count / most)
  return Array.from({ length: holders }, (_, i) => Math.floor((count + i) / holders))
}

function addressesOf(holder) {
  return Array.from({ length: ADDRESSES_EACH }, (_, i) => `127.0.${holder + 1}.${i + 1}`)
}

function sum(told) {
  return told.reduce((total, { open }) => total + open, 0)
}

class Holder {
  #child
  #lines
  #ended

  constructor(files, args) {
    const words = [...PIN_LOAD, ...withFiles(files, [process.execPath, HOLDER, ...args.map(String)])]
    this.#child = spawn(words[0], words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdin.on('error', () => {}) // it has ended: its silence says so
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve))
  }

  async ask(word) {
    this.#child.stdin.write(`${word}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('a holder of connections broke down')
    return JSON.parse(value)
  }

  end() {
    this.#child.stdin.end()
    return this.#ended
  }
}

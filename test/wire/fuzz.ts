/**
 * The fuzzer: feeds the parsers one input after the other until the time is over or one of them does something it must not.
 * Then it says which, and makes the input as small as it can be.
 *
 * What it feeds is fuzz-input.ts; what must hold, fuzz-examine.ts; the command, scripts/fuzz.mjs.
 */
import { Script } from 'node:vm'
import { examine as examineParsers } from './fuzz-examine.ts'
import { type FuzzInput, inputOf } from './fuzz-input.ts'

/** Throws when something does not hold; answers how often it has read the bytes. */
export type Examine = (input: FuzzInput) => number

export interface Failure {
  readonly turn: number
  readonly complaint: string
  readonly input: FuzzInput
  /** Of the inputs like it that fail, the shortest that was found. */
  readonly smallest: FuzzInput
}

export interface FuzzOutcome {
  readonly turns: number
  readonly readings: number
  readonly failure: Failure | null
}

/** Turns between two looks at the clock. */
const BATCH = 200
/** A batch takes a tenth of a second; an input that takes this long has no end. */
const BATCH_MS_MAX = 20_000
const SMALLER_TRIES_MAX = 2_000

/** From turn `first` on, as long as `goesOn` says so, asked now and then with the turns so far. */
export function fuzz(
  seed: number,
  goesOn: (turns: number) => boolean,
  first = 0,
  examine: Examine = examineParsers,
  batchMsMax = BATCH_MS_MAX,
): FuzzOutcome {
  let turn = first
  let readings = 0
  const batch = () => {
    for (const end = turn + BATCH; turn < end && goesOn(turn - first); turn++) readings += examine(inputOf(seed, turn))
  }
  while (goesOn(turn - first)) {
    const complaint = complaintOf(batch, batchMsMax)
    if (complaint === null) continue
    const input = inputOf(seed, turn)
    const smallest = shrink(input, (it) => complaintOf(() => examine(it), batchMsMax) !== null)
    return { turns: turn - first + 1, readings, failure: { turn, complaint, input, smallest } }
  }
  return { turns: turn - first, readings, failure: null }
}

/** What a person needs to see it again. */
export function describeFailure(seed: number, { turn, complaint, input, smallest }: Failure): string {
  const { limits, bodyBytesMax, cuts } = smallest
  return [
    complaint,
    `  input, ${input.bytes.length} bytes: ${quoted(input.bytes)}`,
    `  smallest, ${smallest.bytes.length} bytes: ${quoted(smallest.bytes)}`,
    `  limits ${JSON.stringify({ ...limits, bodyBytesMax })}, cut at ${JSON.stringify(cuts)}`,
    `  again: npm run fuzz -- --seed ${seed} --turn ${turn}`,
  ].join('\n')
}

const GLOBAL = 'preforkFuzzBatch'
const runBatch = new Script(`globalThis.${GLOBAL}()`)

/** What went wrong in `act`, or null. Even a loop without end comes back: V8 breaks off what node:vm has started. */
function complaintOf(act: () => void, msMax: number): string | null {
  const place = globalThis as unknown as Record<string, (() => void) | undefined>
  place[GLOBAL] = act
  try {
    runBatch.runInThisContext({ timeout: msMax })
    return null
  } catch (error) {
    const { code, stack, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return `no end after ${msMax} ms`
    return stack ?? message
  } finally {
    delete place[GLOBAL]
  }
}

/** Takes pieces out, ever smaller ones, as long as what is left still fails; the cuts follow. */
function shrink(input: FuzzInput, fails: (smaller: FuzzInput) => boolean): FuzzInput {
  let best = input
  let tries = 0
  for (
    let size = Math.ceil(input.bytes.length / 2);
    size >= 1 && tries < SMALLER_TRIES_MAX;
    size = Math.floor(size / 2)
  ) {
    for (let at = 0; at < best.bytes.length && tries < SMALLER_TRIES_MAX; ) {
      tries += 1
      const smaller = without(best, at, Math.min(size, best.bytes.length - at))
      if (fails(smaller)) best = smaller
      else at += size
    }
  }
  const uncut = { ...best, cuts: [] }
  return fails(uncut) ? uncut : best
}

function without(input: FuzzInput, from: number, length: number): FuzzInput {
  const { bytes, cuts } = input
  const moved = cuts.map((cut) => (cut <= from ? cut : Math.max(from, cut - length)))
  return { ...input, bytes: Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]), cuts: moved }
}

/** As JavaScript's text, in ASCII: it must survive a terminal. */
function quoted(bytes: Buffer): string {
  const inAscii = (char: string) => `\\u00${char.charCodeAt(0).toString(16)}`
  return JSON.stringify(bytes.toString('latin1')).replace(/[\x7f-\xff]/g, inAscii)
}

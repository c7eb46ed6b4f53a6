/**
 * The system calls of a running process, told by strace.
 *
 *     const calls = await callsWhile(worker, async () => { … })
 */
import { spawn } from 'node:child_process'
import { waitUntil } from './program.ts'

export interface SystemCall {
  readonly name: string
  /** As strace prints them: `13, [{events=EPOLLIN, …}], 1024, 0, NULL, 8`. Strings are cut. */
  readonly args: string
  /** `1`, or `-1 EAGAIN (Resource temporarily unavailable)`; `?` where strace left before the call ended. */
  readonly result: string
}

/** Of strings, so many bytes: a request line. */
const STRING_BYTES = 64

/** Those that the process makes while `act` runs, of all its threads, in the order in which they began. */
export async function callsWhile(pid: number, act: () => Promise<void>): Promise<SystemCall[]> {
  const strace = spawn('strace', ['--follow-forks', '--string-limit', String(STRING_BYTES), '--attach', String(pid)])
  const lines: string[] = []
  const said = () => lines.join('')
  let hasEnded = false
  strace.stderr.setEncoding('utf8').on('data', (text: string) => lines.push(text))
  const ended = new Promise<void>((resolve) =>
    strace.once('close', () => {
      hasEnded = true
      resolve()
    }),
  )
  try {
    await waitUntil(() => hasEnded || said().includes('attached'), 'strace has attached')
    if (hasEnded) throw new Error(`strace cannot look at process ${pid}: ${said()}`)
    await act()
  } finally {
    strace.kill('SIGINT')
    await ended
  }
  return callsIn(said())
}

/** What a line may say, of which thread; the number is there when there are several. */
const THREAD = /^(?:\[pid +(\d+)\] )?/
const WHOLE = /^(\w+)\((.*)\) += (.+)$/
/** Another thread is told of before this call ends, or strace leaves. */
const BEGINNING = /^(\w+)\((.*?) ?<(?:unfinished|detached) \.\.\.>$/
/** strace's own words; those of its leaving stand within the line of the call that was going on. */
const REMARK = /strace: Process \d+ (?:at|de)tached.*\n/g
const REST = /^<\.\.\. \w+ resumed>(.*)\) += (.+)$/

/**
 * The calls that strace tells of.
 *
 *     [pid 7] close(3)                           = 0
 *     [pid 7] recvfrom(9,  <unfinished ...>
 *     [pid 8] futex(0x7f00, FUTEX_WAKE, 1)       = 0
 *     [pid 7] <... recvfrom resumed>"GET /", 5, 0, NULL, NULL) = 5
 *     [pid 7] sendto(9, strace: Process 7 detached
 *      <detached ...>
 */
export function callsIn(said: string): SystemCall[] {
  const calls: { name: string; args: string; result: string }[] = []
  const begun = new Map<string, (typeof calls)[number]>()
  for (const text of said.replace(REMARK, '').split('\n')) {
    const [label, thread = ''] = THREAD.exec(text)!
    const line = text.slice(label.length)
    const call = WHOLE.exec(line) ?? BEGINNING.exec(line)
    if (call !== null) {
      const [, name, args, result = '?'] = call
      calls.push({ name: name!, args: args!, result })
      begun.set(thread, calls.at(-1)!)
    }
    const rest = REST.exec(line)
    const first = begun.get(thread)
    if (rest === null || first === undefined) continue
    first.args += rest[1]!
    first.result = rest[2]!
  }
  return calls
}

/** How often each was made. */
export function countByName(calls: readonly SystemCall[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { name } of calls) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

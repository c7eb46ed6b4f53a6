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
  /** `1`, or `-1 EAGAIN (Resource temporarily unavailable)`. */
  readonly result: string
}

/** `[pid 12] close(3) = 0`; the number is there when there are several threads. */
const LINE = /^(?:\[pid +\d+\] )?(\w+)\((.*)\) += (.+)$/gm
/** Of strings, so many bytes: a request line. */
const STRING_BYTES = 64

/** Those that the process makes while `act` runs, of all its threads; of the last it may not be known how it ends. */
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
  return [...said().matchAll(LINE)].map(([, name, args, result]) => ({ name: name!, args: args!, result: result! }))
}

/** How often each was made. */
export function countByName(calls: readonly SystemCall[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { name } of calls) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/**
 * What `prefork explain --all` tells is what the kernel was asked, held against
 * strace: the same calls of a worker, with the same results, in the same order.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unless } from '../support/curl.ts'
import { toldIn } from '../support/explained.ts'
import { workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { callsWhile, type SystemCall } from '../support/strace.ts'
import { SPAWNS } from '../support/tree.ts'

/** What the kernel calls what libc calls otherwise. */
const KERNEL_NAMES: Readonly<Record<string, string>> = { recv: 'recvfrom', send: 'sendto' }

/** Node's own: its event loop, its clock, memory; and what wakes it (eventfd(2): eight bytes). */
function isOfNode({ name, result }: SystemCall): boolean {
  if (/^(epoll_pwait|clock_gettime|gettimeofday|getpid|futex|madvise|mprotect|mmap|munmap|brk|sched_yield)$/.test(name))
    return true
  return (name === 'read' || name === 'write') && result === '8'
}

/** The narrator's: each line is a write(2) to stdout. */
function isNarration({ name, args }: SystemCall): boolean {
  return name === 'write' && args.startsWith('1, ')
}

const textOf = (name: string, result: string) => `${name} = ${result.split(' ').slice(0, 2).join(' ')}`

/** From the accept of that connection to its close. */
function between(calls: readonly string[], fd: string): string[] {
  const from = calls.indexOf(`accept4 = ${fd}`)
  assert.ok(from >= 0, `accept4 = ${fd} in\n${calls.join('\n')}`)
  return calls.slice(from, calls.indexOf('close = 0', from) + 1)
}

async function oneRequest(server: Server, t: Parameters<typeof connect>[0]): Promise<string> {
  const client = await connect(t, server.port)
  client.send(request('GET /', 'Connection: close'))
  assert.equal((await client.response()).status, 200)
  assert.equal(await client.ended(), 'fin')
  const isTold = (line: string) => line.includes(`ends the connection with 127.0.0.1:${client.port}`)
  await waitUntil(() => server.program.stdout.some(isTold), 'the end of the connection is told')
  return `127.0.0.1:${client.port}`
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}: what is told of a request is what strace sees`, { skip: unless('strace') }, async (t) => {
    const server = await startServer(t, { args: ['explain', '--all', '--spawn', spawn] })
    const pid = workerOf(server)
    await oneRequest(server, t)
    let peer = ''
    const seen = await callsWhile(pid, async () => {
      peer = await oneRequest(server, t)
    })
    const told = toldIn(server.program.stdout).filter((call) => call.pid === pid)
    const fd = told.find(({ call, args }) => call === 'accept4' && args.includes(peer))!.result
    const since = told.findIndex(({ call, args }) => call === 'accept4' && args.includes(peer))
    const toldTexts = told.slice(since).map(({ call, result }) => textOf(KERNEL_NAMES[call] ?? call, result))
    const seenTexts = seen
      .filter((call) => !isOfNode(call) && !isNarration(call))
      .map(({ name, result }) => textOf(name, result))
    assert.deepEqual(between(toldTexts, fd), between(seenTexts, fd))
    assert.ok(between(toldTexts, fd).length >= 4)
  })
}

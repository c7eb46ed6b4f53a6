/**
 * What an answer costs in system calls, counted by strace on a worker of a real
 * server: no more, no fewer and no others than bench/budget.mjs has.
 *
 * One client asks again and again, each time when it has been answered. What is
 * counted lies between two requests that bear a mark, on a connection of theirs.
 */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { unless } from '../support/curl.ts'
import { workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, open, RawClient, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { callsWhile, countByName, type SystemCall } from '../support/strace.ts'
import { connectTls, overTls, plainPort as secondPort } from '../support/tls.ts'
import { workersReady } from '../support/tree.ts'

type Wanted = number | readonly [min: number, max: number]
type Counts = Readonly<Record<string, Wanted>>

const {
  SYSTEM_CALLS,
  MEMORY_CALLS,
  MEMORY_CALLS_MAX,
}: {
  SYSTEM_CALLS: Readonly<Record<string, { what: string; calls: Counts }>>
  MEMORY_CALLS: readonly string[]
  MEMORY_CALLS_MAX: number
} = await import(pathToFileURL('bench/budget.mjs').href)

/** Before anything is counted: V8 has compiled what is hot, files are known, socket buffers have grown. */
const WARM_UP_TURNS = 1_000
const TURNS = 100
const PIPELINED = 16
/** A file that has changed just now is not kept: it might change again unseen. */
const SETTLED_MS = 200

/** One turn of a client that has all the time of the world; where its name says so, of one that speaks TLS. */
type Turn = (client: RawClient, server: Server) => Promise<void>
const OVER_TLS = 'tls'

const TURN: Readonly<Record<string, Turn>> = {
  hello: asks('/hello'),
  app: asks('/app/hello'),
  json: asks('/app/json?id=7'),
  pipelined: asks('/hello', PIPELINED),
  [OVER_TLS]: asks('/hello'),
  '1k': asks('/1k.bin'),
  '100k': asks('/100k.bin'),
  once: async (_, server) => {
    const socket = await open(server.port)
    const client = new RawClient(socket)
    client.send(request('GET /hello', 'Connection: close'))
    assert.equal((await client.response()).status, 200)
    assert.equal(await client.ended(), 'fin')
    socket.destroy()
  },
}

function asks(path: string, times = 1): Turn {
  const bytes = request(`GET ${path}`).repeat(times)
  return async (client) => {
    client.send(bytes)
    for (const { status } of await client.responses(times)) assert.equal(status, 200)
  }
}

const APP = `export default (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/app/hello') return new Response('Hello, world!\\n')
  return Response.json({ path: pathname, userAgent: request.headers.get('user-agent') })
}`

async function serve(t: TestContext): Promise<Server> {
  const routes = [
    { path: '/hello', respond: { status: 200, body: 'Hello, world!\n' } },
    { path: '/app/*', app: './app.mjs' },
    { path: '/*', static: './site' },
  ]
  const secure = overTls()
  const listen = ['http://127.0.0.1:0', '127.0.0.1:0']
  const config = { ...secure.config, listen, workers: 1, static: { cacheMs: 3_600_000 }, hosts: { '*': { routes } } }
  const server = await startServer(t, {
    anyPort: false,
    files: {
      ...secure.files,
      'prefork.config.mjs': `export default ${JSON.stringify(config)}\n`,
      'app.mjs': APP,
      'site/1k.bin': Buffer.alloc(1024, 'k'),
      'site/100k.bin': Buffer.alloc(102_400, 'k'),
    },
  })
  await workersReady(server, 1)
  const file = statSync(join(server.cwd, 'site/100k.bin'))
  await waitUntil(() => Date.now() - file.ctimeMs > SETTLED_MS, 'the files may be kept')
  return server
}

const MARKED = /"GET \/hello\?mark=/

/** What the worker calls in so many turns, and for one marked request: from its recv to that of the other mark. */
async function callsOfTurns(server: Server, marker: RawClient, client: RawClient, turn: Turn): Promise<SystemCall[]> {
  const mark = asks('/hello?mark=1')
  for (let i = 0; i < WARM_UP_TURNS; i++) await turn(client, server)
  const calls = await callsWhile(workerOf(server), async () => {
    await mark(marker, server)
    for (let i = 0; i < TURNS; i++) await turn(client, server)
    await mark(marker, server)
  })
  const marks = calls.flatMap(({ name, args }, i) => (name === 'recvfrom' && MARKED.test(args) ? [i] : []))
  assert.equal(marks.length, 2, 'both marks are there')
  return calls.slice(marks[0], marks[1])
}

/**
 * Without what no request brought about.
 *
 *     epoll_wait(…, 750) = 0        a timer was due: the heartbeat, a deadline's;
 *     epoll_pwait(…) = 0            Node has its turn for it. Once more without sleeping (…, 0) where it came a moment early
 *     epoll_wait(…, 0) = 1          a timer was due, and a request came as well:
 *     …, epoll_pwait(…) = 0         Node has its turn, whether or not the request needs it
 *     write(…) = 8                  V8 wants to do something of its own, and wakes libuv by an eventfd (uv_async_send):
 *     epoll_wait(…) = 1             our epoll holds libuv's
 *     epoll_pwait(…) = 1, getpid(), read(…) = 8
 *     openat(…, O_PATH|O_DIRECTORY) once a second, whether the root is still the folder it was
 *     … close(…)                    (handlers/static/open.ts)
 *     clock_gettime(…)              where the machine has no clock that is read without a call (vdso(7))
 */
function broughtAbout(calls: readonly SystemCall[], isForNode = false): SystemCall[] {
  const kept: SystemCall[] = []
  let looks = 0
  let isTimerDue = false
  for (let i = 0; i < calls.length; i++) {
    const [call, next] = [calls[i]!, calls[i + 1]]
    if (/^(clock_gettime|gettimeofday|getpid)$/.test(call.name) || isOfEventFd(call)) continue
    if (isLookAtRoot(calls, i)) {
      i += ROOT_CALLS.length - 1
      continue
    }
    if (call.name === 'epoll_wait') isTimerDue = waitedMs(call) === 0
    if (foundNothing(call, 'epoll_wait') && next !== undefined && foundNothing(next, 'epoll_pwait') && looks < 2) {
      looks = isTimerDue ? looks + 1 : 0
      i += 1
      continue
    }
    if (call.name === 'epoll_pwait' && call.result === '1') {
      if (kept.at(-1)?.name === 'epoll_wait') kept.pop()
      continue
    }
    if (foundNothing(call, 'epoll_pwait') && isTimerDue && !isForNode) continue
    looks = 0
    kept.push(call)
  }
  return kept
}

/** The folder of that name now; it and the one that is held; the one that is held no more. */
const ROOT_CALLS = ['openat', 'fstat', 'fstat', 'close']

function isLookAtRoot(calls: readonly SystemCall[], at: number): boolean {
  return calls[at]!.args.includes('O_PATH|O_DIRECTORY') && ROOT_CALLS.every((name, i) => calls[at + i]?.name === name)
}

/** eventfd(2) takes and gives eight bytes. */
function isOfEventFd({ name, result }: SystemCall): boolean {
  return (name === 'write' || name === 'read') && result === '8'
}

function foundNothing({ name, result }: SystemCall, wanted: string): boolean {
  return name === wanted && result === '0'
}

/** The timeout that an epoll_wait was given. */
function waitedMs({ args }: SystemCall): number {
  return Number(args.slice(args.lastIndexOf(',') + 1))
}

/** A complaint for each kind of call that is not as wanted. */
function mistakesIn(counts: Readonly<Record<string, number>>, wanted: Counts): string[] {
  const names = [...new Set([...Object.keys(counts), ...Object.keys(wanted)])]
  return names.flatMap((name) => {
    const [least, most] = [wanted[name] ?? 0].flat() as [number, number?]
    const count = counts[name] ?? 0
    const [min, max] = [least * TURNS, (most ?? least) * TURNS]
    return count >= min && count <= max
      ? []
      : [`${count} ${name} in ${TURNS} turns, not ${[least, most].join(' ')} each`]
  })
}

/** Of all that was called: what the turns themselves did, and how much memory was asked for meanwhile. */
function countsOfTurns(
  calls: readonly SystemCall[],
  wanted: Counts,
): { counts: Record<string, number>; memory: number } {
  const isForMemory = ({ name }: SystemCall) => MEMORY_CALLS.includes(name)
  const others = calls.filter((call) => !isForMemory(call))
  const counts = countByName(broughtAbout(others, 'epoll_pwait' in wanted))
  for (const [name, count] of Object.entries(SYSTEM_CALLS.hello!.calls))
    counts[name] = (counts[name] ?? 0) - Number(count) // the mark's
  return { counts, memory: calls.filter(isForMemory).length }
}

test('an answer costs what the budget says', { skip: unless('strace') }, async (t) => {
  const server = await serve(t)
  const plain = await connect(t, server.port)
  const secure = await connectTls(t, await secondPort(server))
  for (const [name, { what, calls }] of Object.entries(SYSTEM_CALLS)) {
    await t.test(what, async (inner) => {
      const made = await callsOfTurns(server, plain, name === OVER_TLS ? secure : plain, TURN[name]!)
      const { counts, memory } = countsOfTurns(made, calls)
      inner.diagnostic(`${TURNS} turns: ${JSON.stringify(counts)}, ${memory} for memory`)
      const others = made.filter(({ name: it }) => !(it in calls) && !MEMORY_CALLS.includes(it))
      assert.deepEqual(mistakesIn(counts, calls), [], others.map(({ name: it, args }) => `${it}(${args})`).join('\n'))
      assert.ok(memory <= MEMORY_CALLS_MAX * TURNS, `${memory} calls for memory`)
    })
  }
})

const call = (name: string, args: string, result: string): SystemCall => ({ name, args, result })
const SLEPT = call('epoll_wait', '17, [{…}], 256, 500', '1')
const LOOKED = call('epoll_wait', '17, [], 256, 0', '0')
const TIMED_OUT = call('epoll_wait', '17, [], 256, 500', '0')
const DUE = call('epoll_wait', '17, [{…}], 256, 0', '1')
const NODE = call('epoll_pwait', '13, [], 1024, 0, NULL, 8', '0')

test('what no request brought about is left out, and nothing else', () => {
  assert.deepEqual(broughtAbout([TIMED_OUT, NODE, SLEPT]), [SLEPT])
  assert.deepEqual(broughtAbout([TIMED_OUT, NODE, LOOKED, NODE, SLEPT]), [SLEPT])
  const spinning = Array.from({ length: 4 }, () => [LOOKED, NODE]).flat()
  assert.notDeepEqual(broughtAbout(spinning), [], 'a loop that does not sleep is told of')
  assert.deepEqual(broughtAbout([SLEPT, NODE]), [SLEPT, NODE], 'and one that leaves for nothing')
  assert.deepEqual(broughtAbout([DUE, NODE]), [DUE])
  const task = ['write 8', 'epoll_wait 1', 'epoll_pwait 1', 'getpid 7', 'read 8'].map((it) => {
    const [name, result] = it.split(' ') as [string, string]
    return call(name, '13, …, 500', result)
  })
  assert.deepEqual(broughtAbout([...task, SLEPT]), [SLEPT])
  assert.deepEqual(broughtAbout([DUE, NODE], true), [DUE, NODE], 'the app needs it')
  const flags = 'O_RDONLY|O_CLOEXEC|O_PATH|O_DIRECTORY'
  const root = ['openat', 'fstat', 'fstat', 'close'].map((name) => call(name, name === 'openat' ? flags : '22', '0'))
  assert.deepEqual(broughtAbout([...root, SLEPT]), [SLEPT])
  assert.deepEqual(broughtAbout(root.slice(0, 3)), root.slice(0, 3))
})

test('a call too many, one too few and one of another kind are complained of', () => {
  const wanted = { recvfrom: 1, epoll_wait: [1, 2] } as const
  assert.deepEqual(mistakesIn({ recvfrom: TURNS, epoll_wait: TURNS + 7 }, wanted), [])
  assert.equal(mistakesIn({ recvfrom: TURNS + 1, epoll_wait: TURNS }, wanted).length, 1)
  assert.equal(mistakesIn({ recvfrom: TURNS, epoll_wait: 2 * TURNS + 1 }, wanted).length, 1)
  assert.equal(mistakesIn({ recvfrom: TURNS, epoll_wait: TURNS, getpid: 1 }, wanted).length, 1)
  assert.equal(mistakesIn({ epoll_wait: TURNS }, wanted).length, 1)
})

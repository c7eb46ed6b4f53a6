/** What bench/ makes of its samples: a table is only as good as the arithmetic below it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const load = (name: string) => import(pathToFileURL(`bench/${name}.mjs`).href)
const { evenness, growth, median, summarize } = await load('figures')
const { table, writeInto } = await load('tables')
const { readSummary } = await load('wrk')
const { readStat } = await load('processes')
const { readRequestLog, summaryOf } = await load('h2load')
const { countLines, linesOff } = await load('measures/logged')
const { GROUPS } = await load('plan')
const { WORKLOADS } = await load('workloads')
const { canDo } = await load('turns')
const { PEERS } = await load('peers')
const { mistakeIn } = await load('program')
const { readSTime } = await load('s-time')
const { hold, holdConnections } = await load('hold')
const { sharesOf } = await load('crowd')
const { filesAllowed, withFiles, workersToHold } = await load('files')
const { lineOf } = await load('conditions')
const { Results, textOf, writePage } = await load('results')

test('the median is the one in the middle, or the mean of two', () => {
  assert.equal(median([3]), 3)
  assert.equal(median([10, 1, 2]), 2)
  assert.equal(median([10, 1, 2, 4]), 3)
})

test('evenness is the busiest share as a multiple of a fair one', () => {
  assert.equal(evenness([5, 5, 5, 5]), 1)
  assert.equal(evenness([30, 10]), 1.5)
  assert.equal(evenness([0, 0, 0, 9]), 4)
  assert.equal(evenness([0, 0]), 1)
})

test('growth compares workers by their pid, and a newborn with nothing', () => {
  const status = (...workers: readonly [number, number][]) => {
    return { workers: workers.map(([pid, requests]) => ({ pid, requests })) }
  }
  assert.deepEqual(growth(status([7, 10], [8, 20]), status([8, 25], [9, 3]), 'requests'), [5, 3])
})

test('a summary is of medians, and of all failures', () => {
  const samples = [
    { p99Ms: 1, failures: 0 },
    { p99Ms: 90, failures: 2 },
    { p99Ms: 3, failures: 1 },
  ]
  assert.deepEqual(summarize(samples), { p99Ms: 3, failures: 3 })
})

test('where a figure is missing in one round, none is told, but why', () => {
  const samples = [
    { held: 10, p99Ms: 1, why: null, failures: 0 },
    { held: 4, p99Ms: null, why: 'ECONNRESET', failures: 0 },
  ]
  const summary = summarize(samples)
  assert.deepEqual(summary, { held: 7, p99Ms: null, why: 'ECONNRESET', failures: 0 })
  const columns = ['server', 'held', 'p99Ms']
  const lines = table([{ server: 'node', title: 'Node', wanted: 10_000, ...summary }], columns).split('\n')
  assert.equal(lines[2], '| Node | 7 of 10,000: ECONNRESET | – |')
})

test('a crowd is shared evenly among as few processes as may hold it, on either side', () => {
  assert.deepEqual(sharesOf(50_000, 12_500), [12_500, 12_500, 12_500, 12_500])
  assert.deepEqual(sharesOf(10, 4), [3, 3, 4])
  assert.deepEqual(sharesOf(4, 4), [4])
  assert.equal(workersToHold(50_000, 100_000), 1)
  assert.equal(workersToHold(50_000, 20_000), 4)
})

test("wrk's line of JSON is read among what else it prints, and every kind of failure counts", () => {
  const line =
    'JSON {"requests":3000,"durationUs":1500000,"p50Us":250,"p99Us":4000,"connect":1,"read":2,"write":4,"timeout":8,"status":16}'
  assert.deepEqual(readSummary(`Running 1s test\n${line}\n`), {
    requests: 3000,
    requestsPerSecond: 2000,
    p50Ms: 0.25,
    p99Ms: 4,
    failures: 31,
  })
  assert.equal(readSummary(line.replace('"p99Us":4000', '"p99Us":0')).p99Ms, null)
  assert.equal(readSummary('unable to connect'), null)
})

test("of what openssl's s_time prints, the connections count, and those that were resumed", () => {
  const told = (letters: string, count: number) =>
    `Now timing with session id reuse.\nstarting\n${letters}\n\n${count} connections in 0.26s; 2996 connections/user sec\n${count} connections in 2 real seconds, 168 bytes read per connection\n`
  assert.deepEqual(readSTime(told('rrrr*', 5)), { connections: 5, resumed: 4 })
  assert.deepEqual(readSTime(told('***', 3)), { connections: 3, resumed: 0 })
  assert.equal(readSTime('Unable to get connection\n\n\nNow timing with session id reuse.\n'), null)
})

test("h2load's log is read to its end, and what is not 200 is a failure", () => {
  const line = (status: number, us: number) => `1795694959569356\t${status}\t${us}\n`
  const log = [line(200, 100), line(-1, 9), line(503, 8), line(200, 20)].join('')
  assert.deepEqual(readRequestLog(Buffer.from(log)), { timesUs: [100, 20], failures: 2 })
  assert.deepEqual(readRequestLog(Buffer.from(log.trimEnd())), { timesUs: [100, 20], failures: 2 })
  assert.deepEqual(readRequestLog(Buffer.alloc(0)), { timesUs: [], failures: 0 })
})

test('of a thousand times, one is above p99.9 and ten are above p99', () => {
  const timesUs = Array.from({ length: 1000 }, (_, i) => 1000 * (1000 - i))
  assert.deepEqual(summaryOf({ timesUs, failures: 3 }, 2), {
    requests: 1000,
    requestsPerSecond: 500,
    p50Ms: 500,
    p99Ms: 990,
    p999Ms: 999,
    failures: 3,
  })
  assert.equal(summaryOf({ timesUs: [], failures: 1 }, 2).p99Ms, null)
})

test('as many lines as requests, but for those that were underway, is no line off', async (t) => {
  const load = { connections: 4, pipelined: 2 }
  assert.equal(linesOff(100, 100, load), 0)
  assert.equal(linesOff(116, 100, load), 0)
  assert.equal(linesOff(117, 100, load), 1)
  assert.equal(linesOff(97, 100, load), -3)
  assert.deepEqual(summarize([{ linesOff: -3 }, { linesOff: 1 }, { linesOff: 0 }]), { linesOff: 4 })
  const folder = mkdtempSync(join(tmpdir(), 'prefork-bench-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'access.log'), 'a\n\nb\nhalf of a line')
  assert.equal(await countLines(join(folder, 'access.log')), 3)
})

test("a process's time holds that of its dead children, whatever its name", () => {
  const stat = '12 (a) b (c) S 7 12 12 0 -1 4194560 1 2 3 4 100 20 3 1000 20 0 1 0 55 0 0'
  assert.deepEqual(readStat(stat), { parent: 7, ticks: 1123, childTicks: 1003 })
})

test('a table has a title for each column, and names to the left', () => {
  const rows = [{ load: '64', variant: 'shared', requestsPerSecond: 51_234.4, cpuUs: 9.04, failures: 0 }]
  assert.equal(
    table(rows, ['load', 'variant', 'requestsPerSecond', 'cpuUs', 'failures']),
    [
      '| connections | strategy | requests/s | CPU µs/request | failures |',
      '| --- | --- | ---: | ---: | ---: |',
      '| 64 | `shared` | 51,234 | 9.0 | 0 |',
    ].join('\n'),
  )
})

test('figures replace those that stood in the page before, and nothing else', () => {
  const page =
    'a\n<!-- figures: x -->\n\nold\n\n<!-- end of figures -->\nb\n<!-- figures: y -->\n<!-- end of figures -->\n'
  const once = writeInto(page, { x: '1', y: '2' })
  assert.equal(
    once,
    'a\n<!-- figures: x -->\n\n1\n\n<!-- end of figures -->\nb\n<!-- figures: y -->\n\n2\n\n<!-- end of figures -->\n',
  )
  assert.equal(writeInto(once, { x: '1' }), once)
  assert.throws(() => writeInto(page, { z: '3' }), /no place for the figures "z"/)
})

test('the page has a place for every group, filled', () => {
  const page = readFileSync('docs/process-models.md', 'utf8')
  for (const name of ['conditions', ...GROUPS.map((group: { name: string }) => group.name)]) {
    const [, text] = new RegExp(`<!-- figures: ${name} -->\n(.*?)<!-- end of figures -->`, 's').exec(page) ?? []
    assert.ok(text !== undefined && text.trim() !== '', `docs/process-models.md lacks the figures "${name}"`)
  }
})

test('every server that a workload compares is there, and can do the work', () => {
  for (const [name, workload] of Object.entries<{ servers: string[] }>(WORKLOADS)) {
    for (const server of workload.servers) {
      assert.ok(PEERS[server] !== undefined && canDo(PEERS[server], workload), `${name}: ${server}`)
    }
  }
  assert.equal(canDo(PEERS.node, WORKLOADS['hello-logged']), false)
  assert.equal(canDo(PEERS.floor, WORKLOADS.tls), false)
})

test('docs/performance.md has a place for every workload, and for the soak', () => {
  const page = readFileSync('docs/performance.md', 'utf8')
  const texts = Object.fromEntries([...Object.keys(WORKLOADS), 'soak'].map((name) => [name, `table of ${name}`]))
  for (const text of Object.values(texts)) assert.ok(writeInto(page, texts).includes(text))
})

const CONDITIONS = {
  date: '2026-11-26',
  cores: 2,
  cpu: 'EPYC',
  memoryGB: 24,
  kernel: '6.18',
  tools: ['wrk 4.1.0'],
  pinning: 'server on core 0, load on core 1',
  rounds: 3,
  seconds: 2,
  versions: ['nginx/1.22.1'],
}
const SAMPLE = { cpuUs: 8, requestsPerSecond: 1000, p50Ms: 1, p99Ms: 2, failures: 0 }
const rowOf = (server: string, ...rounds: number[]) => {
  const samples = rounds.map((cpuUs) => ({ ...SAMPLE, cpuUs }))
  return { server, title: server, ...summarize(samples), samples }
}
const SHOWN = { columns: ['server', 'cpuUs', 'ratio'] }

test('the conditions of a table are one line, with what there is to say', () => {
  assert.equal(
    lineOf(CONDITIONS),
    '2026-11-26 · 2 cores (EPYC), 24 GB · Linux 6.18 · server on core 0, load on core 1 · medians of 3 rounds of 2 s · wrk 4.1.0 · nginx/1.22.1',
  )
  const { date, cores, cpu, memoryGB, kernel, tools } = CONDITIONS
  assert.equal(
    lineOf({ date, cores, cpu, memoryGB, kernel, tools, notes: ['10 minutes'] }),
    '2026-11-26 · 2 cores (EPYC), 24 GB · Linux 6.18 · wrk 4.1.0 · 10 minutes',
  )
})

test('a table stands below its own conditions, set against the yardstick where that took part', () => {
  const rows = [rowOf('prefork', 6), rowOf('nginx', 8)]
  const table = ['| server | CPU µs/request | / nginx |', '| --- | ---: | ---: |']
  assert.equal(
    textOf('hello', { conditions: CONDITIONS, rows }, SHOWN),
    [lineOf(CONDITIONS), '', ...table, '| prefork | 6.0 | 0.75 |', '| nginx | 8.0 | 1.00 |'].join('\n'),
  )
  assert.doesNotMatch(textOf('hello', { conditions: CONDITIONS, rows: rows.slice(0, 1) }, SHOWN), /\/ nginx/)
})

test('a ratio is the median of the rounds, each with what the yardstick took in it', () => {
  // A machine that is slow for two rounds of three slows both; the medians alone would say 0.75.
  const rows = [rowOf('prefork', 9, 12, 27), rowOf('nginx', 8, 16, 24)]
  const text = textOf('hello', { conditions: CONDITIONS, rows }, SHOWN)
  assert.match(text, /\| prefork \| 12\.0 \| 1\.13 \|/)
  assert.match(text, /\| nginx \| 16\.0 \| 1\.00 \|/)
})

test('what is kept of one workload leaves the others in the file, and is there after each round', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-bench-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'figures.json')
  const first = new Results(file)
  first.keep('hello', { conditions: CONDITIONS, rows: [rowOf('nginx', 8)] })
  new Results(file).keep('1k', { conditions: { ...CONDITIONS, rounds: 1 }, rows: [] })
  const later = new Results(file)
  later.keep('1k', { conditions: { ...CONDITIONS, rounds: 2 }, rows: [] })
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
    hello: { conditions: CONDITIONS, rows: [rowOf('nginx', 8)] },
    '1k': { conditions: { ...CONDITIONS, rounds: 2 }, rows: [] },
  })
  assert.deepEqual(later.names, ['hello', '1k'])
  writeFileSync(file, 'not JSON')
  assert.throws(() => new Results(file), /figures\.json holds something else than figures/)
})

test('writing the tables that were measured leaves the others as they stand', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-bench-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const page = join(folder, 'page.md')
  const before = readFileSync('docs/performance.md', 'utf8')
  writeFileSync(page, before)
  writePage(page, { '1k': 'new figures' })
  const place = /(<!-- figures: 1k -->\n).*?(<!-- end of figures -->)/s
  assert.equal(readFileSync(page, 'utf8'), before.replace(place, '$1\nnew figures\n\n$2'))
})

test('a server that answers something else is not measured', () => {
  const answer = (status: number, text: string) => ({ status, body: Buffer.from(text) })
  const hello = (status: number, text: string) => mistakeIn(answer(status, text), 'hello', '/hello', '')
  assert.equal(hello(200, 'Hello, world!\n'), null)
  assert.equal(hello(404, 'Hello, world!\n'), 'status 404')
  assert.match(hello(200, 'Hello'), /^the text "Hello"/)
  const json = (text: string) => mistakeIn(answer(200, text), 'json', '/json?id=7', '')
  assert.equal(json('{"path":"/json"}'), null)
  assert.equal(json('{"path":"/"}'), 'the path /')
  assert.match(mistakeIn(answer(200, 'x'), 'file', '/bench.test.ts', 'test/house'), /^1 bytes/)
})

test('connections that are held have asked for what the load asks for', async (t) => {
  const asked = new Set<string | undefined>()
  const server = createServer(({ url }, response) => {
    asked.add(url)
    response.writeHead(url === '/hello?x' ? 200 : 404).end('hello')
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const letGo = await holdConnections(`http://127.0.0.1:${port}/hello?x`, 3)
  assert.deepEqual([...asked], ['/hello?x'])
  letGo()
  await assert.rejects(holdConnections(`http://127.0.0.1:${port}/`, 1), /answers \/ with HTTP\/1.1 404/)
})

test('a server that takes no more of them is said to, with as many as it held', async (t) => {
  const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
  server.maxConnections = 2
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { open, letGo, complaint } = await hold(`http://127.0.0.1:${port}/`, 5, ['127.0.0.12', '127.0.0.13'])
  assert.equal(open(), 2)
  assert.match(complaint, /ECONNRESET|closes connections/)
  letGo()
})

test('a server that ends some of them to take in others is not filled for ever', async (t) => {
  const taken: Socket[] = []
  const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
  server.on('connection', (socket) => {
    taken.push(socket)
    if (taken.length % 2 === 0) taken.at(-2)!.end()
  })
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { letGo, complaint } = await hold(`http://127.0.0.1:${port}/`, 600)
  assert.match(complaint, /it closes connections|ECONNRESET/)
  letGo()
})

test('a command is started with as many descriptors as it is given', () => {
  const files = filesAllowed(100)
  const [program, ...args] = withFiles(files, ['sh', '-c', 'ulimit -Sn'])
  assert.equal(spawnSync(program, args, { encoding: 'utf8' }).stdout, '100\n')
})

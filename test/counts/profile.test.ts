/** What `npm run profile` makes of what strace, perf and V8 tell. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const load = (path: string) => import(pathToFileURL(`bench/profile/${path}.mjs`).href)
const { readCounts } = await load('system-calls')
const { readShares } = await load('hot-functions')
const { sharesOf } = await load('cpu-profile')

test("strace's table is read, with and without errors", () => {
  const table = `strace: Process 12 attached
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.90    0.000013           0      4711           recvfrom
 38.10    0.000008           4         2         1 openat2
------ ----------- ----------- --------- --------- ----------------
100.00    0.000021           0      4713         1 total
`
  assert.deepEqual(readCounts(table), { recvfrom: 4711, openat2: 2 })
})

test("perf's report is read, and a place in our own code is named as in src/", () => {
  const report = `# Overhead  Symbol
#
    12.50%  [k] tcp_sendmsg               -      -            
     1.00%  [.] JS:*#run file:///somewhere/dist/src/http/head-parser.js:105:9        -      -     
     0.50%  [.] JS:*fetch file:///site/apps/app.mjs:2:9
     0.20%  [JIT] tid 99
`
  assert.deepEqual(readShares(report), [
    [0.125, '[k] tcp_sendmsg'],
    [0.01, 'JS:*#run http/head-parser.js:105'],
    [0.005, 'JS:*fetch apps/app.mjs:2'],
    [0.002, 'what V8 has compiled'],
  ])
})

test("V8's samples become shares of the time that was not idle, all foreign functions together", () => {
  const node = (id: number, functionName: string, url = '', lineNumber = -1) => {
    return { id, callFrame: { functionName, url, lineNumber } }
  }
  const profile = {
    nodes: [
      node(1, '(idle)'),
      node(2, 'run', 'file:///somewhere/dist/src/http/head-parser.js', 104),
      node(3, 'munmap'),
      node(4, 'recv'),
    ],
    samples: [1, 2, 3, 4, 2],
    timeDeltas: [1_000, 10, 30, 30, 30],
  }
  assert.deepEqual(sharesOf(profile), [
    [0.6, '(foreign functions)'],
    [0.4, 'run http/head-parser.js:105'],
  ])
})

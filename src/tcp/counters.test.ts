import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTcpCounters, tcpCountersIn, tcpCountersSince } from './counters.ts'

const NETSTAT = `TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts ListenOverflows ListenDrops TCPReqQFullDrop
TcpExt: 3 2 1 9 40 50 6
IpExt: InNoRoutes ListenDrops
IpExt: 0 1000
`
const COUNTERS = {
  acceptQueueOverflows: 40,
  listenDrops: 50,
  synCookiesSent: 3,
  synCookiesReceived: 2,
  synCookiesFailed: 1,
  synQueueFullDrops: 6,
}

test('the counters of /proc/net/netstat, by their names', () => assert.deepEqual(tcpCountersIn(NETSTAT), COUNTERS))

test('what is not all there is not told', () => {
  assert.equal(tcpCountersIn(''), null)
  assert.equal(tcpCountersIn(NETSTAT.replace('ListenDrops', 'ListenDrips')), null)
  assert.equal(tcpCountersIn(NETSTAT.replace('40 50 6', '40 50')), null)
  assert.equal(tcpCountersIn(NETSTAT.split('\n')[0]!), null)
})

test('this kernel tells', () => {
  const counters = readTcpCounters()
  assert.ok(counters !== null)
  assert.deepEqual(Object.keys(counters), Object.keys(COUNTERS))
})

test('what was counted since', () => {
  const later = { ...COUNTERS, listenDrops: 57 }
  assert.deepEqual(tcpCountersSince(COUNTERS, later), {
    acceptQueueOverflows: 0,
    listenDrops: 7,
    synCookiesSent: 0,
    synCookiesReceived: 0,
    synCookiesFailed: 0,
    synQueueFullDrops: 0,
  })
})

/** A few requests, cut at every place there is, and the second piece not sent before the server has taken the first. */
import assert from 'node:assert/strict'
import { ACCEPTED } from '../../src/http/requests.test.support.ts'
import { bytesOf, ECHO_APP, nextAnswers, toldBy } from '../support/corpus.ts'
import { journey, type Scene } from '../support/journey.ts'
import { connect, type RawClient } from '../support/raw.ts'
import { waitUntilReceived } from '../support/tcp.ts'

/** One of each kind: heads alone, bodies of both framings, several on one connection, one that waits to be asked. */
const NAMES = [
  'get',
  'get-1-0',
  'head',
  'blank-lines-before',
  'absolute-form-beats-host',
  'fields-odd-but-right',
  'length',
  'chunked-extensions',
  'chunked-trailer',
  'pipelined-bodies',
  'expect',
]

/** Connections at the same time, each with its share of the cuts: each waits for the server, not for the others. */
const LANES = 16

function cutEverywhere(name: string): Scene {
  return async (t, server) => {
    const bytes = bytesOf('accepted', name)
    const told = toldBy(ACCEPTED[name]!)
    const isLast = ACCEPTED[name]!.includes('close')

    const play = async (client: RawClient, cut: number) => {
      client.send(bytes.subarray(0, cut))
      if (cut > 0) await waitUntilReceived(server.port, client.port)
      client.send(bytes.subarray(cut))
      return nextAnswers(client, told)
    }
    const whole = await play(await connect(t, server.port), 0)
    const playLane = async (_: unknown, lane: number) => {
      let client = await connect(t, server.port)
      for (let cut = 1 + lane; cut < bytes.length; cut += LANES) {
        assert.deepEqual(await play(client, cut), whole, `cut at ${cut}`)
        if (isLast) client = await connect(t, server.port)
      }
    }
    await Promise.all(Array.from({ length: LANES }, playLane))
  }
}

journey(
  'however its bytes are cut, a request gets the same answer:',
  { app: ECHO_APP },
  Object.fromEntries(NAMES.map((name) => [name, cutEverywhere(name)])),
)

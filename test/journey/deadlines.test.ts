/** What a slow client gets, and when: each wait has its bound, and a client that drips bytes cannot stretch it. */
import assert from 'node:assert/strict'
import { descriptorsOf } from '../support/descriptors.ts'
import { journey, type Scene, workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { ask, type RawClient, request } from '../support/raw.ts'
import { ROADS, type Road } from '../support/road.ts'
import type { Server } from '../support/server.ts'

const APP = `
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
const told = []
export default {
  async fetch(request) {
    switch (new URL(request.url).pathname) {
      case '/told': return Response.json(told)
      case '/text':
        try {
          return new Response(await request.text())
        } catch (error) {
          told.push(error.name)
          throw error
        }
      case '/outside':
        // Ends in a callback of libuv's, the loop having slept until then.
        return new Promise((resolve) => spawn('sleep', ['2'], { stdio: 'ignore' }).on('exit', () => resolve(new Response('late'))))
      case '/changed-mind': {
        const reader = request.body.getReader()
        const piece = reader.read()
        await Promise.race([piece, sleep(50)])
        await reader.cancel()
        await sleep(1_000)
        return new Response('did without')
      }
      case '/endless':
        return new Response(new ReadableStream({
          pull(controller) { controller.enqueue(new Uint8Array(65_536)) },
          cancel() { told.push('cancel') },
        }))
      case '/large': return new Response(new Uint8Array(32 * 1024 * 1024))
      default: return new Response('answer')
    }
  },
}`

async function expectLate(client: RawClient): Promise<void> {
  const response = await client.response()
  assert.equal(response.status, 408)
  assert.equal(response.fields.get('connection'), 'close')
  await client.endsClean()
}

/** What the app was told so far. */
async function told(road: Road, server: Server): Promise<string[]> {
  return JSON.parse(await ask(await road.plainPort(server), '/told')) as string[]
}

/** The worker lets go of the connection, though the client holds on to it. */
function isDropped(road: Road, act: (client: RawClient) => Promise<void>): Scene {
  return async (t, server) => {
    const before = descriptorsOf(workerOf(server))
    const client = await road.connect(t, server.port)
    await act(client)
    await waitUntil(() => descriptorsOf(workerOf(server)) === before, 'the worker has let go of the connection')
  }
}

const config = {
  timeouts: { headMs: 500, bodyMs: 500, idleMs: 500, writeMs: 500, lingerMs: 500 },
  limits: { bodyRateMin: 50 },
}

const scenes = (road: Road): Readonly<Record<string, Scene>> => ({
  'that is slow with its head is told': async (t, server) => {
    await expectLate(await road.connectAndSend(t, server.port, 'GET / HTTP/1.1\r\nHost: a\r\n'))
  },

  'that drips its head is told all the same': async (t, server) => {
    const client = await road.connectAndSend(t, server.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Drip: ')
    const drip = client.drip('x', 40)
    const response = await client.response()
    drip.enough()
    assert.equal(response.status, 408)
    await client.endsClean()
  },

  'that is slow with its second head is told': async (t, server) => {
    const client = await road.connectAndSend(t, server.port, `${request('GET /')}GET`)
    assert.equal((await client.response()).status, 200)
    await expectLate(client)
  },

  'that sends nothing is left without a word': async (t, server) => {
    await (await road.connect(t, server.port)).endsClean()
  },

  'that sends nothing more is left without a word': async (t, server) => {
    const client = await road.connectAndSend(t, server.port, request('GET /'))
    await client.response()
    await client.endsClean()
  },

  'that stalls in its body is told, and so is the app': async (t, server) => {
    const client = await road.connectAndSend(t, server.port, `${request('POST /text', 'Content-Length: 5')}he`)
    await expectLate(client)
    assert.deepEqual(await told(road, server), ['BodyError'])
  },

  'that drips its body is told, too, though it is never silent for long': async (t, server) => {
    const before = (await told(road, server)).length
    const client = await road.connectAndSend(t, server.port, request('POST /text', 'Transfer-Encoding: chunked'))
    const drip = client.drip('1\r\nx\r\n', 300)
    const response = await client.response()
    drip.enough()
    assert.equal(response.status, 408)
    await client.endsClean()
    assert.deepEqual((await told(road, server)).slice(before), ['BodyError'])
  },

  'that keeps the pace with its body is waited for': async (t, server) => {
    const client = await road.connectAndSend(t, server.port, request('POST /text', 'Transfer-Encoding: chunked'))
    const drip = client.drip(`5\r\nxxxxx\r\n`.repeat(5), 100)
    await waitUntil(() => client.socket.bytesWritten > 1_000, 'more was sent than one deadline leaves time for')
    drip.enough()
    client.send('0\r\n\r\n')
    const response = await client.response()
    assert.equal(response.status, 200)
    assert.match(response.body.toString(), /^x{20,}$/)
  },

  'that never reads a stream loses it, and the app is told': async (t, server) => {
    const client = await road.connectAndSend(t, server.port, request('GET /endless'))
    client.pause()
    await waitUntil(async () => (await told(road, server)).includes('cancel'), 'the stream is cancelled')
    client.resume()
    await client.ended()
    assert.equal(client.received.includes('0\r\n\r\n'), false)
  },

  'that never reads an answer loses it': isDropped(road, async (client) => {
    client.pause()
    client.send(request('GET /large'))
  }),

  'that is refused and does not go away is left': isDropped(road, async (client) => {
    client.send('nonsense\r\n\r\n')
    assert.equal((await client.response()).status, 400)
  }),

  'that is refused and goes on sending is left': isDropped(road, async (client) => {
    client.send('nonsense\r\n\r\n')
    assert.equal((await client.response()).status, 400)
    client.drip('more nonsense\r\n', 40)
  }),

  'is not to blame for a slow app: the connection is as good as before': async (t, server) => {
    const client = await road.connectAndSend(t, server.port, request('GET /outside'))
    assert.equal((await client.response()).body.toString(), 'late')
    client.send(request('GET /'))
    assert.equal((await client.response()).body.toString(), 'answer')
  },

  'is not to blame for a body that the app no longer wants': async (t, server) => {
    const client = await road.connectAndSend(t, server.port, request('POST /changed-mind', 'Content-Length: 5'))
    assert.equal((await client.response()).body.toString(), 'did without')
  },
})

for (const road of ROADS) journey(`a slow client over ${road.name}`, road.over({ app: APP, config }), scenes(road))

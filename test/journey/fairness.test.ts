/** One client at full speed, and another that asks for a page: the second does not wait for the first. */
import assert from 'node:assert/strict'
import { journey } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connect, connectAndSend, type RawClient, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'

const APP = `
let received = 0
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/received') return new Response(String(received))
    if (pathname !== '/swallow') return new Response('answer')
    for await (const piece of request.body) received += piece.length
    return new Response('swallowed')
  },
}`

const FLOOD = Buffer.alloc(1024 * 1024, 'x')

/** Sends as fast as the server takes it, until the connection ends. */
function flood(client: RawClient, bytes: Uint8Array): void {
  const more = () => {
    while (!client.socket.destroyed && client.socket.write(bytes));
  }
  client.socket.on('drain', more)
  more()
}

/** Answered while the flood goes on. */
async function expectAnswers(server: Server, flooding: RawClient): Promise<void> {
  const before = flooding.socket.bytesWritten
  for (let i = 0; i < 20; i++) assert.equal(await ask(server.port, '/'), 'answer')
  await waitUntil(() => flooding.socket.bytesWritten > before, 'the flood goes on')
}

journey(
  'a client at full speed',
  { app: APP, config: { timeouts: { lingerMs: 2_000 }, limits: { bodyBytes: Number.MAX_SAFE_INTEGER } } },
  {
    'that uploads': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('POST /swallow', 'Content-Length: 1000000000000'))
      flood(client, FLOOD)
      await waitUntil(async () => Number(await ask(server.port, '/received')) > 0, 'it has begun')
      await expectAnswers(server, client)
    },

    'that sends request upon request': async (t, server) => {
      const client = await connect(t, server.port)
      client.socket.removeAllListeners('data')
      client.socket.resume()
      flood(client, Buffer.from(request('GET /').repeat(2_000)))
      await expectAnswers(server, client)
    },

    'that goes on sending after it was refused: it is left in time': async (t, server) => {
      const client = await connectAndSend(t, server.port, 'nonsense\r\n\r\n')
      flood(client, FLOOD)
      assert.equal((await client.response()).status, 400)
      await expectAnswers(server, client)
      await waitUntil(() => client.socket.destroyed, 'the server has closed the connection')
    },
  },
)

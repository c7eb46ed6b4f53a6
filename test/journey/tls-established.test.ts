/** What a client may ask for once its handshake is over: other keys (TLS 1.3), and no other handshake (TLS 1.2). */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { mayHaveKernelTls } from '../../src/net/kernel-tls.ts'
import { unless } from '../support/curl.ts'
import { journey, workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { request } from '../support/raw.ts'
import { undoAfter } from '../support/server.ts'
import { connectTls, overTls } from '../support/tls.ts'

/** `openssl s_client`, which takes a line that begins with R or K for an order. */
function sClient(t: TestContext, port: number, ...args: string[]) {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args])
  const closed = once(child, 'close')
  undoAfter(t, () => {
    child.kill()
    return closed
  })
  child.stdin.on('error', () => {}) // it may be gone by then
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('latin1').on('data', (text: string) => {
      said += text
    })
  }
  return {
    say: (line: string) => void child.stdin.write(line),
    hears: (text: string, times = 1) => waitUntil(() => said.split(text).length > times, `openssl says ${text}`),
    closed,
  }
}

const lacksOpenssl = unless('openssl')

journey('after the handshake', overTls(), {
  'another handshake is refused, whatever the connection is doing; the worker serves on': async (t, server) => {
    const worker = workerOf(server)
    const other = await connectTls(t, server.port)
    for (let requests = 0; requests < 3; requests++) {
      const client = await connectTls(t, server.port, { maxVersion: 'TLSv1.2' })
      client.send(request('GET /').repeat(requests))
      for (const { status } of await client.responses(requests)) assert.equal(status, 200)
      const refusal = new Promise<NodeJS.ErrnoException>((resolve) => client.socket.once('error', resolve))
      assert.equal(
        client.socket.renegotiate({}, () => assert.fail('it was answered')),
        true,
      )
      assert.equal((await refusal).code, 'ERR_SSL_NO_RENEGOTIATION')
      other.send(request('GET /'))
      assert.equal((await other.response()).status, 200)
    }
    assert.equal(workerOf(server), worker)
  },

  'openssl s_client is refused another handshake': async (t, { port }) => {
    if (lacksOpenssl !== false) return t.skip(lacksOpenssl)
    const client = sClient(t, port, '-tls1_2')
    await client.hears('Secure Renegotiation IS supported') // RFC 5746: what is refused is not its absence
    client.say('R\n')
    await client.hears('no renegotiation')
    await client.closed
  },

  'openssl s_client gets other keys, and answers by them': async (t, { port }) => {
    if (lacksOpenssl !== false) return t.skip(lacksOpenssl)
    const client = sClient(t, port, '-tls1_3', '-crlf')
    await client.hears('Verify return code')
    const isByKernel = mayHaveKernelTls() // where the kernel encrypts, new keys of ours cannot be had (K asks for them)
    for (const [i, order] of (isByKernel ? ['k', 'k'] : ['K', 'k', 'K']).entries()) {
      client.say(`${order}\n`)
      await client.hears('KEYUPDATE', i + 1)
      client.say('GET / HTTP/1.1\nHost: a\n\n')
      await client.hears('HTTP/1.1 200 OK', i + 1)
    }
    if (!isByKernel) return
    client.say('K\n')
    await client.closed
  },
})

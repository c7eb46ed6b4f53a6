/**
 * A handshake that does not fit in the socket: a chain of 200 KB, for a client who reads slowly, or not at all. The
 * worker waits until the socket takes more, and does nothing for it meanwhile; until the deadline of a handshake.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  AF_INET,
  F_SETFL,
  O_NONBLOCK,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../src/kernel/constants.ts'
import { EAGAIN } from '../../src/kernel/errno.ts'
import { close, type Fd, fcntl } from '../../src/kernel/fd.ts'
import { allocate } from '../../src/kernel/memory.ts'
import { socketAddress } from '../../src/kernel/sockaddr.ts'
import {
  bind,
  connect as connectSocket,
  getsockname,
  listen,
  recv,
  resetOnClose,
  send,
  setsockopt,
  socket,
} from '../../src/kernel/socket.ts'
import { type MemoryClient, MemoryClients } from '../../src/net/memory-client.test.support.ts'
import type { Version } from '../../src/net/tls-records.test.support.ts'
import { bytesLyingIn, until } from '../../src/net/tls-scene.test.support.ts'
import { makeCertificate } from '../../src/openssl/make-certificate.ts'
import { unless } from '../support/curl.ts'
import { descriptorsOf } from '../support/descriptors.ts'
import { type JourneyOptions, journey, type Scene, workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, request } from '../support/raw.ts'
import { PREFORK, type Server } from '../support/server.ts'
import { callsWhile, type SystemCall } from '../support/strace.ts'
import { overTls, plainPort, serverFiles } from '../support/tls.ts'

/** Of the chain, in bytes. The kernel gives as small a buffer as it can for less than it has: 4,608 bytes (SOCK_MIN_SNDBUF). */
const CHAIN_BYTES = 200_000
const SMALLEST = 1
/** Answered while a handshake is blocked. */
const REQUESTS = 50
/** It would take thousands of them. */
const FEW_BYTES = 20
const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']

/** What nobody needs, and everybody is sent. */
function longChain(): string {
  const names = Array.from({ length: 400 }, (_, i) => `DNS:${i}.of-a-name-that-is-long.example.test`).join(',')
  const links: string[] = []
  for (let bytes = 0; bytes < CHAIN_BYTES; ) {
    const { certificate } = makeCertificate({ commonName: 'long', days: 5, names, issuer: null })
    links.push(certificate)
    bytes += (certificate.length * 3) / 4
  }
  return links.join('')
}

const { fd: listener, port } = narrowListener()

/** What is accepted of it has its buffer. */
function narrowListener(): { fd: Fd; port: number } {
  const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC)
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, SMALLEST)
  bind(fd, socketAddress('127.0.0.1'))
  listen(fd, 64)
  return { fd, port: (getsockname(fd) as { port: number }).port }
}

/** It reads when it is told to. */
class SlowClient {
  readonly #fd: Fd
  readonly #client: MemoryClient
  readonly #memory = allocate(16 * 1024)
  isOver = false
  bytesRead = 0

  constructor(t: TestContext, version: Version) {
    this.#fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC)
    setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUF, SMALLEST)
    connectSocket(this.#fd, socketAddress('127.0.0.1', port))
    fcntl(this.#fd, F_SETFL, O_NONBLOCK)
    this.#client = new MemoryClients(t, { version }).client()
    t.after(() => {
      this.#client.free()
      if (!this.isOver) this.leave()
    })
    this.send(this.#client.go())
  }

  get bytesWaiting(): number {
    return bytesLyingIn(this.#fd)
  }

  get text(): string {
    return this.#client.text
  }

  get isEstablished(): boolean {
    return this.#client.isEstablished
  }

  /** As much as the kernel takes. */
  send(bytes: Buffer): number {
    return send(this.#fd, this.#memory, 0, bytes.copy(this.#memory.bytes))
  }

  write(text: string): void {
    this.send(this.#client.write(text))
  }

  /** What lies there now, and what it says to that. */
  read(most = this.#memory.bytes.length): void {
    const length = recv(this.#fd, this.#memory, 0, most)
    if (length === -EAGAIN) return
    if (length <= 0) return this.leave()
    this.bytesRead += length
    const said = this.#client.go(Buffer.from(this.#memory.bytes.subarray(0, length)))
    if (said.length > 0) this.send(said)
  }

  leave(): void {
    this.isOver = true
    resetOnClose(this.#fd)
    close(this.#fd)
  }
}

/** Once its handshake is blocked: something has come, and the worker has been round the loop. */
async function blocked(t: TestContext, server: Server, version: Version): Promise<SlowClient> {
  const before = descriptorsOf(workerOf(server))
  const client = new SlowClient(t, version)
  await waitUntil(() => descriptorsOf(workerOf(server)) > before, 'the worker has accepted')
  await askAside(t, server)
  await until(() => client.bytesWaiting > 0 || null)
  assert.ok(client.bytesWaiting < CHAIN_BYTES / 2, 'it does not fit')
  return client
}

async function readUntil(client: SlowClient, isEnough: () => boolean): Promise<void> {
  await until(() => {
    if (!client.isOver) client.read()
    return isEnough() || null
  })
}

/** Requests of somebody else, one after the other. */
async function askAside(t: TestContext, server: Server, count = 1): Promise<void> {
  const client = await connect(t, await plainPort(server))
  for (let i = 0; i < count; i++) {
    client.send(request('GET /'))
    assert.equal((await client.response()).status, 200)
  }
  client.leave()
}

const lacksStrace = unless('strace')

/** Over the socket with the small buffer; behind it a listener without TLS, for others. */
function options(headMs: number): JourneyOptions {
  const { config, files, ...rest } = overTls({ config: { timeouts: { headMs } } })
  const made = serverFiles('long', 'DNS:localhost')
  return {
    ...rest,
    command: ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh', process.execPath, PREFORK],
    args: ['--log-level', 'debug'],
    env: { LISTEN_FDS: '1', LISTEN_FDNAMES: 'narrow' },
    fds: [listener],
    config: { ...config, listen: ['fd:narrow', 'http://127.0.0.1:0'] },
    files: { ...files, 'cert.pem': made['long.pem'] + longChain(), 'key.pem': made['long.key']! },
    log: [/ debug /, / was not issued by the one behind it/],
  }
}

const scenes = (version: Version): Readonly<Record<string, Scene>> => ({
  [`${version}: it goes on as its client reads, and is finished`]: async (t, server) => {
    const client = await blocked(t, server, version)
    await readUntil(client, () => client.isEstablished)
    assert.ok(client.bytesRead > CHAIN_BYTES)
    client.write(request('GET /', 'Connection: close'))
    await readUntil(client, () => client.isOver)
    assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n/)
  },

  [`${version}: whenever the worker looks after it, the socket takes something`]: async (t, server) => {
    if (lacksStrace !== false) return t.skip(lacksStrace)
    const client = await blocked(t, server, version)
    const calls = await callsWhile(workerOf(server), () => readUntil(client, () => client.isEstablished))
    const writes = calls.filter(({ name }) => name === 'write')
    const taken = writes.filter(({ result }) => Number(result) > 0)
    t.diagnostic(`${taken.length} of ${writes.length} writes`)
    assert.ok(writes.length <= 3 * taken.length, `${writes.length} writes, of which ${taken.length} did something`)
    client.leave()
  },

  [`${version}: the worker does nothing for it while its client reads nothing`]: async (t, server) => {
    if (lacksStrace !== false) return t.skip(lacksStrace)
    const client = await blocked(t, server, version)
    const calls = await callsWhile(workerOf(server), () => askAside(t, server, REQUESTS))
    assertFewWaits(calls)
    assert.deepEqual(
      calls.filter(({ name }) => name === 'write'),
      [],
    )
    client.leave()
  },

  [`${version}: nor much while he sends on, and reads nothing`]: async (t, server) => {
    if (lacksStrace !== false) return t.skip(lacksStrace)
    const client = await blocked(t, server, version)
    const calls = await callsWhile(workerOf(server), async () => {
      while (client.send(Buffer.alloc(10_000)) > 0);
      await askAside(t, server, REQUESTS)
    })
    assertFewWaits(calls)
    client.leave()
  },
})

/** One for each request, and a few for what else there is: a connection that comes and goes, bytes that come. */
function assertFewWaits(calls: readonly SystemCall[]): void {
  const waits = calls.filter(({ name }) => name === 'epoll_wait').length
  assert.ok(waits < 1.5 * REQUESTS, `${waits} times it waited, for ${REQUESTS} requests`)
}

for (const version of VERSIONS)
  journey(`a handshake that does not fit in the socket: ${version}`, options(60_000), scenes(version))

const HEAD_MS = 1_000
const TOO_LATE = /TLS handshake of 127\.0\.0\.1 at .* failed: it took longer than timeouts\.headMs/

journey('a handshake that does not fit in the socket, and its deadline', options(HEAD_MS), {
  'who reads nothing is left': async (t, server) => {
    const client = await blocked(t, server, 'TLSv1.3')
    await server.waitForLog(TOO_LATE)
    await readUntil(client, () => client.isOver)
    assert.equal(client.isEstablished, false)
    assert.ok(client.bytesRead < CHAIN_BYTES, 'he was sent no more')
  },

  'who reads a few bytes now and then is left as soon': async (t, server) => {
    const told = () => server.log.filter((line) => TOO_LATE.test(line)).length
    const before = told()
    const client = await blocked(t, server, 'TLSv1.3')
    while (told() === before) {
      if (!client.isOver) client.read(FEW_BYTES)
      await askAside(t, server)
    }
    await readUntil(client, () => client.isOver)
    assert.equal(client.isEstablished, false)
  },
})

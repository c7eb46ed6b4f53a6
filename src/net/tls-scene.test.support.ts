/**
 * For the tests of TLS: a server's end of connections, whose turns are taken by hand,
 * and clients by node:tls, which is the oracle here.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { AF_INET, SOCK_NONBLOCK, SOCK_STREAM } from '../kernel/constants.ts'
import { EAGAIN } from '../kernel/errno.ts'
import { close, type Fd, isOpen } from '../kernel/fd.ts'
import { ioctl } from '../kernel/ioctl.ts'
import { allocate } from '../kernel/memory.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { accept4, bind, getsockname, listen, socket } from '../kernel/socket.ts'
import { type CertificateWishes, makeCertificate } from '../openssl/make-certificate.ts'
import { TicketKeyReader, TicketKeys } from '../ticket-keys.ts'
import { type NamedPair, TlsServer, type TlsServerOptions } from './tls-server.ts'
import type { TlsTransport } from './tls-transport.ts'

export const authority = makeCertificate({ commonName: 'Test Authority', days: 10, names: null, issuer: null })

export function pairFor(names: readonly string[], wishes: Partial<CertificateWishes> = {}): NamedPair {
  const made = makeCertificate({
    commonName: names[0]!,
    days: 5,
    names: names.map((name) => `DNS:${name}`).join(','),
    issuer: authority,
    ...wishes,
  })
  const [certificate, key] = [Buffer.from(made.certificate), Buffer.from(made.key)]
  return { certificate, key, passphrase: null, names, kind: wishes.keyType ?? 'ec', ocsp: null }
}

const localhost = pairFor(['localhost'])

export function serverWith(options: Partial<TlsServerOptions> = {}): TlsServer {
  return new TlsServer({
    pairs: [localhost],
    minVersion: 'TLSv1.2',
    ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
    ciphersuites: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384',
    groups: 'X25519:P-256',
    clientCertificates: 'off',
    clientAuthorities: null,
    protocols: ['http/1.1'],
    hasTickets: true,
    triesKernel: true,
    ticketKeys: null,
    keyLog: null,
    ...options,
  })
}

/** A listener of its own. It is closed with the test, and so is what it accepted. */
export function listenerFor(t: TestContext): { fd: Fd; port: number; accept(): Promise<Fd> } {
  const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
  bind(fd, socketAddress('127.0.0.1'))
  listen(fd, 64)
  const accepted: Fd[] = []
  t.after(() => {
    for (const it of [fd, ...accepted]) if (isOpen(it)) close(it)
  })
  return {
    fd,
    port: (getsockname(fd) as { port: number }).port,
    accept: async () => {
      const connection = await until(() => accept4(fd, SOCK_NONBLOCK))
      accepted.push(connection)
      return connection
    },
  }
}

/** Keys that a server's workers would share, gone with the test. */
export function ticketKeysFor(t: TestContext): { readonly keys: TicketKeys; readonly reader: TicketKeyReader } {
  const keys = TicketKeys.create()
  const fd = keys.openForReading()
  t.after(() => {
    close(fd)
    keys.close()
  })
  return { keys, reader: new TicketKeyReader(fd) }
}

/** Bytes that have come, and nobody has read. */
export function bytesLyingIn(fd: Fd): number {
  return ioctl(fd, SIOCINQ)
}

/** tcp(7); asm-generic/ioctls.h */
const SIOCINQ = 0x541b

/** What `look` finds at last; the event loop goes round in between. */
export async function until<T>(look: () => T | null): Promise<T> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const found = look()
    if (found !== null) return found
    assert.ok(performance.now() < deadline, 'it does not come')
    await new Promise(setImmediate)
  }
}

export interface Pair {
  readonly client: TLSSocket
  readonly transport: TlsTransport
  /** All that the client has received. */
  readonly heard: () => Buffer
  /** Receives once there is something: bytes, 0, or an error other than EAGAIN. */
  receive(): Promise<{ readonly result: number; readonly bytes: Buffer }>
  /** Sends all of it. */
  sendAll(bytes: Buffer): Promise<void>
}

const memory = allocate(64 * 1024)
let round = 0

/** A client, and the server's end of its connection. The handshake is begun; the first `receive` ends it. */
export async function connected(t: TestContext, server: TlsServer, options: ConnectionOptions = {}): Promise<Pair> {
  const listener = listenerFor(t)
  const client = connectTls({
    port: listener.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.certificate,
    ...options,
  })
  t.after(() => client.destroy())
  client.on('error', () => {}) // a test that waits for it listens for itself
  const pieces: Buffer[] = []
  client.on('data', (piece: Buffer) => pieces.push(piece))
  const transport = server.transport(await listener.accept())
  return {
    client,
    transport,
    heard: () => Buffer.concat(pieces),
    receive: () =>
      until(() => {
        transport.beginTurn(++round)
        const result = transport.recv(memory, 0, memory.bytes.length)
        return result === -EAGAIN ? null : { result, bytes: Buffer.from(memory.bytes.subarray(0, Math.max(0, result))) }
      }),
    sendAll: async (bytes) => {
      const copy = allocate(bytes.length)
      bytes.copy(copy.bytes)
      let at = 0
      await until(() => {
        const result = transport.send(copy, at, bytes.length - at)
        assert.ok(result > 0 || result === -EAGAIN, `send: ${result}`)
        if (result > 0) at += result
        return at === bytes.length ? true : null
      })
    },
  }
}

/** The client's and the server's word of a connection on which both have spoken. */
export async function visit(t: TestContext, server: TlsServer, options: ConnectionOptions = {}) {
  const pair = await connected(t, server, options)
  const sessions: Buffer[] = []
  pair.client.on('session', (session) => sessions.push(session))
  pair.client.write('hello')
  assert.equal((await pair.receive()).bytes.toString(), 'hello')
  const answered = once(pair.client, 'data')
  await pair.sendAll(Buffer.from('hello'))
  await answered
  const { secure } = pair.transport
  const { subject, subjectaltname: names = '', asn1Curve: kind = 'rsa' } = pair.client.getPeerCertificate()
  const isResumed = pair.client.isSessionReused()
  const session = sessions.at(-1) ?? pair.client.getSession()
  pair.transport.close()
  return {
    secure,
    names,
    commonName: subject?.CN,
    isResumed,
    session,
    kind,
  }
}

/**
 * TLS as a test uses it: certificates made for it, a configuration that names
 * them, and clients by node:tls.
 *
 *     journey('…', { app: APP, ...overTls() }, {
 *       'scene': async (t, server) => {
 *         const client = await connectTls(t, server.port)
 *         client.send(request('GET /'))
 *         …
 */
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { makeCertificate } from '../../src/openssl/make-certificate.ts'
import { makeOcspResponse } from '../../src/openssl/ocsp.test.support.ts'
import { DEADLINE_MS } from './program.ts'
import { RawClient } from './raw.ts'
import type { Server } from './server.ts'

const issuer = makeCertificate({ commonName: 'Test Authority', days: 10, names: null, issuer: null })

/** Of localhost and 127.0.0.1, by that authority. */
const ofServer = makeCertificate({ commonName: 'localhost', days: 5, names: 'DNS:localhost,IP:127.0.0.1', issuer })

/** What clients trust. */
export const AUTHORITY = issuer.certificate

/** A client's certificate, and its key: what node:tls takes. */
export function clientPair(
  commonName: string,
  authority: typeof issuer | null = issuer,
): { cert: string; key: string } {
  const made = makeCertificate({ commonName, days: 5, names: `DNS:${commonName}.test`, issuer: authority })
  return { cert: made.certificate, key: made.key }
}

/** A further certificate of a server, by the authority: `DNS:*.example.test`. The files are `${name}.pem` and `${name}.key`. */
export function serverFiles(name: string, names: string, keyType: 'ec' | 'rsa' = 'ec'): Record<string, string> {
  const made = makeCertificate({ commonName: name, days: 5, names, issuer, keyType })
  return { [`${name}.pem`]: made.certificate, [`${name}.key`]: made.key }
}

/** What the authority says of a certificate of its own, in PEM: that it is good. */
export function ocspFor(certificate: string): Buffer {
  return makeOcspResponse({ of: [certificate], issuer })
}

interface TlsWishes {
  /** What else `tls` says. */
  readonly tls?: object
  /** What else the configuration says. */
  readonly config?: object
  readonly files?: Readonly<Record<string, string | Uint8Array>>
}

/** Options of a server with a listener of TLS, and behind it one without. */
export function overTls({ tls = {}, config = {}, files = {} }: TlsWishes = {}) {
  return {
    anyPort: false,
    config: {
      listen: ['127.0.0.1:0', 'http://127.0.0.1:0'],
      tls: { cert: './cert.pem', key: './key.pem', ...tls },
      ...config,
    },
    files: { 'cert.pem': ofServer.certificate, 'key.pem': ofServer.key, 'ca.pem': AUTHORITY, ...files },
  }
}

/** That of its listener without TLS, which is the second to be told of. */
export async function plainPort({ program }: Server): Promise<number> {
  const [, second] = await program.waitForLines(/^Server listening on /, 2)
  return Number(second!.split(':').at(-1))
}

/** Memory that the supervisor holds by that name (memfd_create), as a path. */
export function heldBy({ pid }: Pick<Server, 'pid'>, name: string): string {
  const fds = readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`)
  return fds.find((fd) => readlinkSync(fd).startsWith(`/memfd:${name}`))!
}

/** RFC 8446 §6: a fatal alert. */
export const HANDSHAKE_FAILURE = Uint8Array.of(21, 3, 3, 0, 2, 2, 40)
/** The first bytes of a handshake, and no more. */
export const HELLO_BEGUN = Uint8Array.of(22, 3, 1, 2, 0, 1)

/** What node:tls says first. */
export async function clientHello(t: TestContext, options: ConnectionOptions = {}): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ ...options, port, host: '127.0.0.1', servername: 'localhost' })
  client.on('error', () => {})
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  client.destroy()
  return bytes
}

export interface TlsClient extends RawClient {
  readonly socket: TLSSocket
}

/** A connection whose handshake is over; gone with the test. It trusts the authority alone, and asks for localhost. */
export async function connectTls(
  t: TestContext,
  port: number,
  options: ConnectionOptions & { readonly localAddress?: string } = {},
): Promise<TlsClient> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: AUTHORITY, ...options })
  t.after(() => socket.destroy())
  const late = () => socket.destroy(new Error(`waited ${DEADLINE_MS} ms for a handshake`))
  socket.setTimeout(DEADLINE_MS, late)
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
  })
  socket.setTimeout(0, late)
  return new RawClient(socket) as TlsClient
}

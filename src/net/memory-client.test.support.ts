/**
 * A TLS client by the OpenSSL of this process that has no socket: a test carries what it says, and what it is
 * answered, damages it on the way, and has its secrets to damage what is encrypted.
 */
import type { TestContext } from 'node:test'
import { allocate, memoryOf } from '../kernel/memory.ts'
import { clearErrors, mustSucceed } from '../openssl/errors.ts'
import { setKeyLog } from '../openssl/key-log.ts'
import { bindSsl } from '../openssl/libssl.ts'
import { freeCertificate, freeKey, readCertificates, readKey } from '../openssl/pem.ts'
import type { SslContext } from '../openssl/ssl.ts'
import type { Secrets, Version } from './tls-records.test.support.ts'
import type { NamedPair } from './tls-server.ts'

const P = 'uintptr_t'
const libssl = {
  TLS_client_method: bindSsl('TLS_client_method', P, []),
  SSL_CTX_new: bindSsl('SSL_CTX_new', P, [P]),
  SSL_CTX_free: bindSsl('SSL_CTX_free', 'void', [P]),
  SSL_CTX_ctrl: bindSsl('SSL_CTX_ctrl', 'long', [P, 'int', 'long', P]),
  SSL_CTX_set_cipher_list: bindSsl('SSL_CTX_set_cipher_list', 'int', [P, 'str']),
  SSL_CTX_set_ciphersuites: bindSsl('SSL_CTX_set_ciphersuites', 'int', [P, 'str']),
  SSL_CTX_use_certificate: bindSsl('SSL_CTX_use_certificate', 'int', [P, P]),
  SSL_CTX_use_PrivateKey: bindSsl('SSL_CTX_use_PrivateKey', 'int', [P, P]),
  SSL_new: bindSsl('SSL_new', P, [P]),
  SSL_free: bindSsl('SSL_free', 'void', [P]),
  SSL_set_bio: bindSsl('SSL_set_bio', 'void', [P, P, P]),
  SSL_ctrl: bindSsl('SSL_ctrl', 'long', [P, 'int', 'long', P]),
  SSL_set_alpn_protos: bindSsl('SSL_set_alpn_protos', 'int', [P, P, 'uint']),
  SSL_set_connect_state: bindSsl('SSL_set_connect_state', 'void', [P]),
  SSL_do_handshake: bindSsl('SSL_do_handshake', 'int', [P]),
  SSL_read: bindSsl('SSL_read', 'int', [P, P, 'int']),
  SSL_write: bindSsl('SSL_write', 'int', [P, P, 'int']),
  SSL_set_shutdown: bindSsl('SSL_set_shutdown', 'void', [P, 'int']),
  SSL_session_reused: bindSsl('SSL_session_reused', 'int', [P]),
  SSL_set_session: bindSsl('SSL_set_session', 'int', [P, P]),
  SSL_get1_session: bindSsl('SSL_get1_session', P, [P]),
  SSL_SESSION_free: bindSsl('SSL_SESSION_free', 'void', [P]),
  SSL_get_server_random: bindSsl('SSL_get_server_random', 'size_t', [P, P, 'size_t']),
}

const libcrypto = {
  BIO_s_mem: bindSsl('BIO_s_mem', P, []),
  BIO_new: bindSsl('BIO_new', P, [P]),
  BIO_read: bindSsl('BIO_read', 'int', [P, P, 'int']),
  BIO_write: bindSsl('BIO_write', 'int', [P, P, 'int']),
}

interface ClientOptions {
  readonly version: Version
  /** The first of them it offers a key share of. */
  readonly groups?: string
  /** What it shows of itself. */
  readonly pair?: NamedPair
}

/** OpenSSL takes 100 KB. */
const CHAIN_BYTES_MAX = 2 ** 20
const memory = allocate(64 * 1024)
const name = memoryOf(Buffer.from('localhost\0'))
const protocols = memoryOf(Buffer.from('\x08http/1.1'))

/** What clients of a kind have in common. Freed with the test. */
export class MemoryClients {
  readonly #context: SslContext
  /** Of the client that goes on just now. */
  #secrets: Secrets = new Map()

  constructor(t: TestContext, { version, groups = 'X25519:P-256', pair }: ClientOptions) {
    const context = mustSucceed(libssl.SSL_CTX_new(libssl.TLS_client_method()), 'SSL_CTX_new') as SslContext
    this.#context = context
    t.after(() => libssl.SSL_CTX_free(context))
    for (const command of [SSL_CTRL_SET_MIN_PROTO_VERSION, SSL_CTRL_SET_MAX_PROTO_VERSION])
      libssl.SSL_CTX_ctrl(context, command, VERSIONS[version], 0)
    libssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, CHAIN_BYTES_MAX, 0)
    libssl.SSL_CTX_set_cipher_list(context, 'ECDHE-ECDSA-AES128-GCM-SHA256')
    libssl.SSL_CTX_set_ciphersuites(context, 'TLS_AES_128_GCM_SHA256')
    const list = memoryOf(Buffer.from(`${groups}\0`))
    mustSucceed(libssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, list.address), groups)
    if (pair !== undefined) this.#show(pair)
    // CLIENT_TRAFFIC_SECRET_0 <the client's random> <the secret>
    setKeyLog([context], (line) => {
      const [label, random, secret] = line.split(' ') as [string, string, string]
      this.#secrets.set(label, Buffer.from(secret, 'hex')).set('client random', Buffer.from(random, 'hex'))
    })
  }

  #show({ certificate, key }: NamedPair): void {
    const [leaf] = readCertificates(certificate)
    mustSucceed(libssl.SSL_CTX_use_certificate(this.#context, leaf!), 'SSL_CTX_use_certificate')
    freeCertificate(leaf!)
    const own = readKey(key, null)
    mustSucceed(libssl.SSL_CTX_use_PrivateKey(this.#context, own), 'SSL_CTX_use_PrivateKey')
    freeKey(own)
  }

  /** The next of them. It comes back with a session; 0: it comes for the first time. */
  client(session = 0): MemoryClient {
    return new MemoryClient(this.#context, session, (secrets) => {
      this.#secrets = secrets
    })
  }
}

export class MemoryClient {
  readonly secrets: Secrets = new Map()
  isEstablished = false
  /** All that it was told. */
  text = ''
  readonly #ssl: number
  readonly #receives: number
  readonly #sends: number
  readonly #goesOn: (secrets: Secrets) => void

  constructor(context: SslContext, session: number, goesOn: (secrets: Secrets) => void) {
    this.#goesOn = goesOn
    this.#ssl = mustSucceed(libssl.SSL_new(context), 'SSL_new')
    this.#receives = mustSucceed(libcrypto.BIO_new(libcrypto.BIO_s_mem()), 'BIO_new')
    this.#sends = mustSucceed(libcrypto.BIO_new(libcrypto.BIO_s_mem()), 'BIO_new')
    libssl.SSL_set_bio(this.#ssl, this.#receives, this.#sends)
    libssl.SSL_set_connect_state(this.#ssl)
    libssl.SSL_ctrl(this.#ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, name.address)
    libssl.SSL_set_alpn_protos(this.#ssl, protocols.address, protocols.bytes.length)
    if (session !== 0) mustSucceed(libssl.SSL_set_session(this.#ssl, session), 'SSL_set_session')
  }

  /** It has come back with a session, and was known. */
  get isResumed(): boolean {
    return libssl.SSL_session_reused(this.#ssl) !== 0
  }

  /** It hears that, goes on, and says this. */
  go(heard: Buffer = Buffer.alloc(0)): Buffer {
    this.#goesOn(this.secrets)
    for (let at = 0; at < heard.length; at += memory.bytes.length) {
      const length = heard.copy(memory.bytes, 0, at)
      libcrypto.BIO_write(this.#receives, memory.address, length)
    }
    this.isEstablished ||= libssl.SSL_do_handshake(this.#ssl) === 1
    while (this.isEstablished) {
      const length = libssl.SSL_read(this.#ssl, memory.address, memory.bytes.length)
      if (length <= 0) break
      this.text += memory.bytes.toString('latin1', 0, length)
    }
    clearErrors()
    libssl.SSL_get_server_random(this.#ssl, memory.address, RANDOM_BYTES)
    this.secrets.set('server random', Buffer.from(memory.bytes.subarray(0, RANDOM_BYTES)))
    return this.#said()
  }

  /** The text, as a record. */
  write(text: string): Buffer {
    const { address, bytes } = memoryOf(Buffer.from(text))
    mustSucceed(libssl.SSL_write(this.#ssl, address, bytes.length), 'SSL_write')
    return this.#said()
  }

  /** To come back with: the caller's to free. */
  session(): number {
    return mustSucceed(libssl.SSL_get1_session(this.#ssl), 'SSL_get1_session')
  }

  /** In peace: else its session would be no good to come back with. */
  free(): void {
    libssl.SSL_set_shutdown(this.#ssl, SSL_SENT_SHUTDOWN + SSL_RECEIVED_SHUTDOWN)
    libssl.SSL_free(this.#ssl)
  }

  #said(): Buffer {
    const length = libcrypto.BIO_read(this.#sends, memory.address, memory.bytes.length)
    return Buffer.from(memory.bytes.subarray(0, Math.max(0, length)))
  }
}

export function freeSession(session: number): void {
  libssl.SSL_SESSION_free(session)
}

// openssl/ssl.h, openssl/tls1.h
const SSL_SENT_SHUTDOWN = 1
const SSL_RECEIVED_SHUTDOWN = 2
const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55
const SSL_CTRL_SET_MAX_CERT_LIST = 51
const SSL_CTRL_SET_GROUPS_LIST = 92
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123
const SSL_CTRL_SET_MAX_PROTO_VERSION = 124
const RANDOM_BYTES = 32
const VERSIONS = { 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 } as const

/** `tls`: what is left after checking, and what does not go together. Through the loader, with files that are there. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { parseCommandLine } from './command-line.ts'
import { loadConfig } from './load.ts'
import { OperatorError } from './operator-error.ts'
import type { Config, TlsConfig } from './options.ts'
import { checkOptions } from './schema.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

const FILES = ['a.pem', 'a.key', 'b.pem', 'b.key', 'b.txt', 'b.der', 'ca.pem', 'sub/c.pem', 'sub/c.key']

/** A folder of its own for each, since Node loads a module of one name once. */
function folderWith(config: object | null, place = 'prefork.config.mjs'): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-tls-'))
  folders.push(folder)
  const texts = new Map(FILES.map((name) => [name, '']))
  if (config !== null) texts.set(place, `export default ${JSON.stringify(config)}`)
  for (const [name, text] of texts) {
    mkdirSync(join(folder, dirname(name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const load = (folder: string, line = ''): Promise<Config> =>
  loadConfig(parseCommandLine(line.split(' ').filter(Boolean)), {}, folder)

/** With the folder's name left out. */
async function tlsOf(config: object, line = ''): Promise<TlsConfig | null> {
  const folder = folderWith(config)
  return JSON.parse(JSON.stringify((await load(folder, line)).tls).replaceAll(`${folder}/`, ''))
}

async function sentence(config: object, line = ''): Promise<string> {
  const error = await load(folderWith(config), line).then(
    () => assert.fail('it loaded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof OperatorError, String(error))
  return error.message
}

const PAIR = { cert: 'a.pem', key: 'a.key' }
const FLAGS = '--tls-cert a.pem --tls-key a.key'
const NO_MORE = { keyPassphraseFile: null, ocsp: null }

/** https://wiki.mozilla.org/Security/Server_Side_TLS */
const DEFAULTS = {
  certificates: [{ ...PAIR, ...NO_MORE }],
  minVersion: 'TLSv1.2',
  ciphers:
    'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:' +
    'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
  ciphersuites: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  groups: '?X25519MLKEM768:X25519:P-256:P-384',
  ticketRotationMs: 28_800_000,
  kernel: 'auto',
  clientCertificates: 'off',
  clientCa: null,
  keyLogFile: null,
  redirect: false,
  redirectPort: 'auto',
}

test('without a certificate there is no TLS', async () => {
  for (const config of [{}, { tls: {} }, { tls: { cert: undefined } }]) {
    const { tls, listen } = await load(folderWith(config))
    assert.deepEqual([tls, listen[0]!.isSecure], [null, false])
  }
})

test('with one, the defaults, and every listener speaks it', async () => {
  assert.deepEqual(await tlsOf({ tls: PAIR }), DEFAULTS)
  assert.deepEqual(await tlsOf({}, FLAGS), DEFAULTS)
  const { tls, listen } = await load(folderWith({ tls: PAIR }))
  assert.equal(listen[0]!.isSecure, true)
  assert.ok([tls!, tls!.certificates, tls!.certificates[0]!].every(Object.isFrozen))
})

test('the certificate may come from a flag and its key from the file', async () => {
  assert.deepEqual(await tlsOf({ tls: { key: 'a.key' } }, '--tls-cert a.pem'), DEFAULTS)
  const [flagged] = (await tlsOf({ tls: PAIR }, '--tls-cert b.pem --tls-key b.key'))!.certificates
  assert.deepEqual(flagged, { cert: 'b.pem', key: 'b.key', ...NO_MORE })
})

test('paths in a file are relative to it, those in flags to the current directory', async () => {
  const tls = { cert: 'c.pem', key: './c.key', certificates: [{ cert: 'c.pem', key: '../b.key' }] }
  const folder = folderWith({ tls }, 'sub/c.mjs')
  const { certificates } = (await load(folder, '--config sub/c.mjs --tls-cert a.pem')).tls!
  assert.deepEqual(certificates, [
    { cert: join(folder, 'a.pem'), key: join(folder, 'sub/c.key'), ...NO_MORE },
    { cert: join(folder, 'sub/c.pem'), key: join(folder, 'b.key'), ...NO_MORE },
  ])
})

test('further certificates follow the default one', async () => {
  const further = { cert: 'b.pem', key: 'b.key', keyPassphraseFile: 'b.txt', ocsp: 'b.der' }
  const tls = { ...PAIR, ocsp: 'b.der', keyPassphraseFile: 'b.txt', certificates: [further, PAIR] }
  assert.deepEqual((await tlsOf({ tls }))!.certificates, [
    { ...PAIR, keyPassphraseFile: 'b.txt', ocsp: 'b.der' },
    further,
    { ...PAIR, ...NO_MORE },
  ])
})

test('all else is as asked', async () => {
  const asked = {
    minVersion: 'TLSv1.3',
    ciphers: 'HIGH',
    ciphersuites: 'TLS_AES_256_GCM_SHA384',
    groups: 'P-384',
    ticketRotationMs: 0,
    kernel: 'off',
    clientCertificates: 'optional',
    clientCa: 'ca.pem',
    keyLogFile: 'sub/keys.log',
    redirect: true,
    redirectPort: 8443,
  }
  const tls = await tlsOf({ listen: ['http://:80', ':443'], tls: { ...PAIR, ...asked } })
  assert.deepEqual(tls, { certificates: DEFAULTS.certificates, ...asked })
})

const GIVE = 'give tls.cert and tls.key, or --tls-cert FILE and --tls-key FILE'
const IN_FILE = 'in prefork.config.mjs'

const REFUSED: readonly (readonly [config: object, line: string, message: string])[] = [
  [{}, '--tls-cert a.pem', '--tls-cert is given without its private key; give tls.key, or --tls-key FILE, too'],
  [{}, '--tls-key a.key', '--tls-key is given without its certificate; give tls.cert, or --tls-cert FILE, too'],
  [
    { tls: { cert: 'a.pem' } },
    '',
    `tls.cert ${IN_FILE} is given without its private key; give tls.key, or --tls-key FILE, too`,
  ],
  [{ tls: { redirect: true } }, '', `tls.redirect ${IN_FILE} is given, but there is no certificate; ${GIVE}`],
  [
    { tls: { certificates: [PAIR] } },
    '',
    `tls.certificates ${IN_FILE} is given, but the default one is missing; ${GIVE}`,
  ],
  [
    {},
    '--tls-cert no.pem --tls-key a.key',
    "--tls-cert is 'no.pem', which does not exist; create it, or did you mean 'a.pem'?",
  ],
  [{}, '--tls-cert sub/c.pem --tls-key sub/d.pem', "--tls-key is 'sub/d.pem', which does not exist; create it"],
  [{}, '--tls-cert sub/d.pem --tls-key sub/c.pem', "--tls-cert is 'sub/d.pem', which does not exist; create it"],
  [
    { tls: { ...PAIR, certificates: [{ cert: 'sub/c.pem', key: 'sub/c.kex' }] } },
    '',
    `tls.certificates[0].key ${IN_FILE} is 'sub/c.kex', which does not exist; create it, or did you mean 'sub/c.key'?`,
  ],
  [
    { tls: { ...PAIR, certificates: [{ cert: 'sub/c.pem', key: 'sub/c.key', ocsp: 'sub/c.kex' }] } },
    '',
    `tls.certificates[0].ocsp ${IN_FILE} is 'sub/c.kex', which does not exist; create it`,
  ],
  [{}, '--tls-cert a.pem --tls-key sub', "--tls-key is 'sub', which is no file; give the path of one"],
  [
    { tls: { ...PAIR, certificates: [PAIR, { cert: 'b.pem', key: 'sub/nothing-like-it' }] } },
    '',
    `tls.certificates[1].key ${IN_FILE} is 'sub/nothing-like-it', which does not exist; create it`,
  ],
  [
    { tls: { ...PAIR, clientCertificates: 'required' } },
    '',
    `tls.clientCertificates ${IN_FILE} is 'required', but nobody may vouch for clients; ` +
      'give tls.clientCa, a file with the certificates of those who may',
  ],
  [
    { tls: { ...PAIR, clientCa: 'ca.pem' } },
    '',
    `tls.clientCa ${IN_FILE} is given, but tls.clientCertificates is 'off'; ` +
      "make it 'optional' or 'required', or leave clientCa out",
  ],
  [
    { tls: { ...PAIR, keyLogFile: 'sub' } },
    '',
    `tls.keyLogFile ${IN_FILE} is 'sub', which is a directory; give the path of a file in it`,
  ],
  [
    { tls: { ...PAIR, keyLogFile: 'none/keys.log' } },
    '',
    `tls.keyLogFile ${IN_FILE} is 'none/keys.log', whose directory does not exist; create it first`,
  ],
  [
    { tls: { ...PAIR, redirectPort: 443 } },
    '',
    `tls.redirectPort ${IN_FILE} is given, but nothing is redirected; set tls.redirect, or leave it out`,
  ],
  [
    { tls: { ...PAIR, redirect: true } },
    '',
    `tls.redirect ${IN_FILE} is true, but every listener has TLS, so that nobody would be redirected; ` +
      "add one without, such as 'http://:80', to listen",
  ],
  [
    { listen: ['http://:80', 'unix:a'], tls: { ...PAIR, redirect: true } },
    '',
    `tls.redirect ${IN_FILE} is true, but no port has TLS that clients could be sent to; ` +
      "add one, such as ':443', to listen, or give tls.redirectPort",
  ],
]

for (const [config, line, message] of REFUSED) {
  test(`refused: ${message}`, async () => assert.equal(await sentence(config, line), message))
}

const LIST = "tls.certificates in c.mjs must be a list such as [{ cert: 'b.pem', key: 'b.key' }], not"
const FIRST = 'tls.certificates[0]'

const ILL_WRITTEN: readonly (readonly [tls: object, message: string])[] = [
  [{ certificates: PAIR }, `${LIST} { cert: 'a.pem', key: 'a.key' }`],
  [{ certificates: 'a.pem' }, `${LIST} 'a.pem'`],
  [{ certificates: ['a.pem'] }, `${FIRST} in c.mjs must be an object`],
  [{ certificates: [{}] }, `${FIRST} in c.mjs has no cert; give cert and key`],
  [{ certificates: [{ cert: 'a.pem' }] }, `${FIRST} in c.mjs has no key; give cert and key`],
  [{ certificates: [{ ...PAIR, cert: '' }] }, `${FIRST}.cert in c.mjs must be the path of a file, not ''`],
  [{ certificates: [{ ...PAIR, key: 'a\0b' }] }, `${FIRST}.key in c.mjs must be the path of a file, not 'a\\u0000b'`],
  [{ certificates: [{ ...PAIR, ocsp: null }] }, `${FIRST}.ocsp in c.mjs must be the path of a file, not null`],
  [{ certificates: [{ ...PAIR, kee: 'a' }] }, `${FIRST}.kee in c.mjs is not an option; did you mean 'key'?`],
  [{ cert: '' }, "tls.cert in c.mjs must be the path of a file, not ''"],
  [{ minVersion: 'TLSv1.1' }, "tls.minVersion in c.mjs must be one of TLSv1.2, TLSv1.3, not 'TLSv1.1'"],
  [
    { groups: 'X25519, P-256' },
    "tls.groups in c.mjs must be names such as 'X25519:P-256', with colons between, not 'X25519, P-256'",
  ],
  [
    { ticketRotationMs: 59_999 },
    'tls.ticketRotationMs in c.mjs must be 0 or a whole number from 60000 to 604800000, not 59999',
  ],
  [{ redirectPort: 0 }, "tls.redirectPort in c.mjs must be 'auto' or a whole number from 1 to 65535, not 0"],
  [{ clientCertificates: true }, 'tls.clientCertificates in c.mjs must be one of off, optional, required, not true'],
]

for (const [tls, message] of ILL_WRITTEN) {
  test(`refused: ${message}`, () => {
    assert.throws(() => checkOptions({ tls }, (path) => `${path} in c.mjs`), { name: 'OperatorError', message })
  })
}

test('a file that may be there is not said to be missing', async () => {
  const folder = folderWith(null)
  symlinkSync('loop.pem', join(folder, 'loop.pem'))
  await assert.rejects(load(folder, '--tls-cert loop.pem --tls-key a.key'), {
    message:
      "--tls-cert is 'loop.pem', which cannot be looked at (ELOOP); check the permissions of its folders, and its links",
  })
})

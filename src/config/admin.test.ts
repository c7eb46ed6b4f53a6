import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findAdmin } from './admin.ts'
import { OperatorError } from './operator-error.ts'
import type { AdminConfig } from './options.ts'
import type { Setting } from './settings.ts'

const base = mkdtempSync(join(tmpdir(), 'prefork-admin-'))
after(() => rmSync(base, { recursive: true }))
writeFileSync(join(base, 'token'), '')
mkdirSync(join(base, 'folder'))

async function find(admin: string, tokenFile: string | null = null): Promise<AdminConfig | string | null> {
  const setting = (name: string, value: unknown): Setting => ({ value, name, base, isAsked: value !== null })
  try {
    return await findAdmin(setting('--admin', admin), setting('--admin-token-file', tokenFile))
  } catch (error) {
    assert.ok(error instanceof OperatorError, String(error))
    return error.message
  }
}

const tcp = (host: string, port: number) =>
  ({ kind: 'tcp', host, family: host.includes(':') ? 6 : 4, port, backlog: 64, isSecure: false }) as const

test('this machine alone needs no token', async () => {
  for (const [text, listen] of [
    ['127.0.0.1:9180', tcp('127.0.0.1', 9180)],
    ['127.8.9.10:0', tcp('127.8.9.10', 0)],
    ['[::1]:9180', tcp('::1', 9180)],
    ['[0:0:0:0:0:0:0:1]:9180', tcp('0:0:0:0:0:0:0:1', 9180)],
    ['localhost:9180', tcp('127.0.0.1', 9180)],
    ['http://localhost:9180', tcp('127.0.0.1', 9180)],
  ] as const)
    assert.deepEqual(await find(text), { listen, tokenFile: null }, text)
  const unix = {
    kind: 'unix',
    path: join(base, 'a.sock'),
    mode: 0o600,
    owner: null,
    group: null,
    backlog: 64,
    isSecure: false,
  }
  assert.deepEqual(await find('unix:a.sock'), { listen: unix, tokenFile: null })
})

test('any other address does', async () => {
  for (const text of [
    ':9180',
    '0.0.0.0:9180',
    '10.0.0.1:9180',
    '[::]:9180',
    '[::ffff:127.0.0.1]:9180',
    '[2001:db8::1]:1',
  ]) {
    assert.match(
      String(await find(text)),
      /can be reached by others: give --admin-token-file FILE, or an address/,
      text,
    )
    const found = (await find(text, 'token')) as AdminConfig
    assert.equal(found.tokenFile, join(base, 'token'), text)
  }
})

test('off is off, and a token for nobody a mistake', async () => {
  assert.equal(await find('off'), null)
  assert.equal(await find('off', 'token'), '--admin-token-file is given, but admin is off; give --admin ADDRESS')
})

const MISTAKES: readonly (readonly [admin: string, tokenFile: string | null, says: RegExp])[] = [
  ['9180', null, /^--admin: '9180' is a port alone; write ':9180'/],
  ['http://localhost:9180/metrics', null, /^--admin: .* has a path, or a scheme other than http/],
  [
    'https://localhost:9180',
    null,
    /^--admin: 'https:\/\/localhost:9180' asks for TLS, which is not spoken here; leave https:\/\/ out$/,
  ],
  ['fd:web', null, /^--admin is 'fd:web', which stands for no address here; give one$/],
  [
    '127.0.0.1:9180',
    'tokne',
    /^--admin-token-file is 'tokne', which does not exist; create it, or did you mean 'token'\?$/,
  ],
  ['127.0.0.1:9180', 'folder', /^--admin-token-file is 'folder', which is no file; give the path of one$/],
  ['unix:gone/a.sock', null, /whose directory does not exist/],
]
for (const [admin, tokenFile, says] of MISTAKES) {
  test(`--admin ${admin}, token file ${tokenFile}: a sentence`, async () =>
    assert.match(String(await find(admin, tokenFile)), says))
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf, tokenCheck } from './access.ts'

const TOKEN = '0123456789abcdef'

function statusFor(host: string, authorization: string | null, token: string | null): number | null {
  const head = { host, field: (name: string) => (name === 'authorization' ? authorization : null) }
  return refusalOf(head, token === null ? null : tokenCheck(token))?.status ?? null
}

const basic = (userPass: string) => `Basic ${Buffer.from(userPass).toString('base64')}`

const OWN = [
  '127.0.0.1:9180',
  '127.0.0.1',
  '[::1]:9180',
  '10.1.2.3:80',
  'localhost',
  'LOCALHOST:9180',
  'a.localhost:1',
  '',
]
const FOREIGN = [
  'evil.example',
  'evil.example:9180',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'notlocalhost',
]

test('without a token: whoever asks by an address, or by localhost', () => {
  for (const host of OWN) assert.equal(statusFor(host, null, null), null, host)
  for (const host of FOREIGN) assert.equal(statusFor(host, null, null), 421, host)
})

test('with a token: whoever brings it, by whatever name', () => {
  for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`, basic(`:${TOKEN}`), basic(`me:${TOKEN}`)])
    assert.equal(statusFor('evil.example', authorization, TOKEN), null, authorization)
})

const WRONG = [
  null,
  '',
  'Bearer',
  'Bearer ',
  `Bearer ${TOKEN}0`,
  `Bearer ${TOKEN.slice(1)}`,
  `Digest ${TOKEN}`,
  TOKEN,
  basic(TOKEN),
  basic(`${TOKEN}:`),
  basic('me:'),
  'Basic !',
]
test('and nobody else', () => {
  for (const authorization of WRONG)
    assert.equal(statusFor('127.0.0.1', authorization, TOKEN), 401, String(authorization))
  assert.equal(statusFor('127.0.0.1', basic(`me:a:${TOKEN}`), `a:${TOKEN}`), null, 'a colon may be in it')
})

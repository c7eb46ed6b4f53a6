import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PasswordHash } from '../../config/site/password-hash.ts'
import { Guard, parseCredentials, type Verdict } from './guard.ts'
import type { Answer } from './password.ts'
import { fieldOf } from './pretend.test.support.ts'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

const PARSED: readonly (readonly [field: string, credentials: readonly [name: string, password: string] | null])[] = [
  ['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', ['Aladdin', 'open sesame']], // RFC 7617 §2
  ['Basic dGVzdDoxMjPCow==', ['test', '123£']], // §2.1
  ['basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', ['Aladdin', 'open sesame']],
  ['BASIC   QWxhZGRpbjpvcGVuIHNlc2FtZQ', ['Aladdin', 'open sesame']],
  [basic('a:b:c'), ['a', 'b:c']],
  [basic(':b'), ['', 'b']],
  [basic('a:'), ['a', '']],
  [basic('e\u0301:e\u0301'), ['é', 'é']],
  [basic('\ufeffa:b'), ['\ufeffa', 'b']],
  [basic('nocolon'), null],
  [basic('a:b\n'), null],
  [basic('a\0:b'), null],
  [basic('a:\x7f'), null],
  [`Basic ${Buffer.from('a:\xa3', 'latin1').toString('base64')}`, null],
  ['Basic', null],
  ['Basic ', null],
  ['Basic a b', null],
  ['Basic YTpi YTpi', null],
  ['Basic YT*pi', null],
  ['Basic YTpi,', null],
  ['Bearer YTpi', null],
  ['Digest username="a"', null],
  ['', null],
]

for (const [field, credentials] of PARSED) {
  test(`${JSON.stringify(field)} ${credentials === null ? 'is of nobody' : `is of '${credentials[0]}'`}`, () => {
    const found = parseCredentials(field)
    assert.deepEqual(found === null ? null : [found.name, found.password], credentials)
  })
}

const hashOf = (letter: string) => `$2y$10$${letter.repeat(53)}`
const PASSWORDS = new Map([
  [hashOf('a'), 'alice’s'],
  [hashOf('b'), 'bob’s'],
])

/** Verifies at once, or when it is told to; and notes what it was asked. */
class Pretended {
  readonly asked: string[] = []
  answer: Answer | 'later' = true
  #waiting: (() => void)[] = []

  verify(password: string, hash: PasswordHash): Promise<Answer> {
    assert.ok(hash.kind === 'bcrypt')
    this.asked.push(`${password} of ${hash.text[7]}`)
    const isRight = PASSWORDS.get(hash.text) === password
    if (this.answer === 'later') return new Promise((resolve) => this.#waiting.push(() => resolve(isRight)))
    return Promise.resolve(this.answer === null ? null : isRight)
  }

  finish(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

function guarded(users = { alice: hashOf('a'), bob: hashOf('b') }) {
  const passwords = new Pretended()
  const clock = { now: 0 }
  const guard = new Guard({ realm: 'the "back" room', users: Object.entries(users) }, passwords, () => clock.now)
  const judge = async (text: string | null) => guard.judge(text === null ? null : basic(text), CLIENT)
  return { guard, passwords, clock, judge }
}

function isTurnedAway(verdict: Verdict): void {
  assert.equal(verdict?.status, 401)
  // RFC 9110 §11.6.1, RFC 7617 §2.1
  assert.equal(fieldOf(verdict, 'www-authenticate'), 'Basic realm="the \\"back\\" room", charset="UTF-8"')
}

const CLIENT = '192.0.2.1'

test('who has the right password is let in; everybody else is asked', async () => {
  const { judge } = guarded()
  assert.equal(await judge('alice:alice’s'), null)
  assert.equal(await judge('bob:bob’s'), null)
  for (const text of [null, 'alice:bob’s', 'alice:', 'Alice:alice’s', 'carol:alice’s', ':', 'alice'])
    isTurnedAway(await judge(text))
})

test('without credentials nothing is computed', async () => {
  const { judge, passwords } = guarded()
  await judge(null)
  await judge('nocolon')
  assert.deepEqual(passwords.asked, [])
})

test('what was right is remembered for a while, and then asked again', async () => {
  const { guard, judge, passwords, clock } = guarded()
  await judge('alice:alice’s')
  assert.equal(guard.judge(basic('alice:alice’s'), CLIENT), null) // at once, without a promise
  clock.now = 299_999
  assert.equal(guard.judge(basic('alice:alice’s'), CLIENT), null)
  assert.equal(passwords.asked.length, 1)
  clock.now = 300_000
  assert.equal(await judge('alice:alice’s'), null)
  assert.equal(passwords.asked.length, 2)
  assert.equal(guard.judge(basic('alice:alice’s'), CLIENT), null)
})

test('what was wrong is not, and what was right of one name is not right of another', async () => {
  const { judge, passwords } = guarded()
  await judge('alice:alice’s')
  for (const text of ['alice:wrong', 'alice:wrong', 'bob:alice’s', 'alice:alice’s ']) isTurnedAway(await judge(text))
  assert.equal(passwords.asked.length, 5)
})

test('a name that nobody has costs a verification, of the same hash each time', async () => {
  const { judge, passwords } = guarded()
  for (const name of [
    'carol',
    'dave',
    'erin',
    'frank',
    'grace',
    'heidi',
    'ivan',
    'judy',
    'mallory',
    'niaj',
    'olivia',
    'peggy',
  ]) {
    for (let i = 0; i < 2; i++) isTurnedAway(await judge(`${name}:x`))
  }
  assert.equal(passwords.asked.length, 24)
  for (let i = 0; i < 24; i += 2) assert.equal(passwords.asked[i], passwords.asked[i + 1])
  // Each guard has a key of its own, so that now and then all twelve choose the same: one time in 2048.
})

test('nor does it help to know the password of the hash that stands in', async () => {
  const { judge } = guarded({ alice: hashOf('a'), bob: hashOf('a') })
  isTurnedAway(await judge('carol:alice’s'))
  isTurnedAway(await judge('carol:alice’s'))
})

test('who asks several times at once is verified once', async () => {
  const { guard, passwords } = guarded()
  passwords.answer = 'later'
  const verdicts = Array.from({ length: 6 }, () => guard.judge(basic('alice:alice’s'), CLIENT))
  passwords.finish()
  assert.deepEqual(await Promise.all(verdicts), [null, null, null, null, null, null])
  assert.equal(passwords.asked.length, 1)
})

test('too many at once are told to come back, which is not remembered', async () => {
  const { judge, passwords } = guarded()
  passwords.answer = null
  const verdict = await judge('alice:alice’s')
  assert.equal(verdict?.status, 503)
  assert.equal(fieldOf(verdict, 'retry-after'), '1')
  passwords.answer = true
  assert.equal(await judge('alice:alice’s'), null)
})

test('the memory has a bound, and the oldest goes first', async () => {
  const users = Object.fromEntries(Array.from({ length: 1_100 }, (_, i) => [`user${i}`, hashOf('a')]))
  const { guard, judge } = guarded(users as { alice: string; bob: string })
  for (let i = 0; i < 1_100; i++) assert.equal(await judge(`user${i}:alice’s`), null)
  const isRemembered = (i: number) => !(guard.judge(basic(`user${i}:alice’s`), CLIENT) instanceof Promise)
  assert.deepEqual([0, 75, 76, 77, 1_099].map(isRemembered), [false, false, true, true, true])
})

test('a user may be called anything that an object has', async () => {
  const users = JSON.parse(`{ "__proto__": "${hashOf('a')}", "constructor": "${hashOf('b')}" }`)
  const { judge } = guarded(users)
  assert.equal(await judge('__proto__:alice’s'), null)
  assert.equal(await judge('constructor:bob’s'), null)
  isTurnedAway(await judge('toString:alice’s'))
})

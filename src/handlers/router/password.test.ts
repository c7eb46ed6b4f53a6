/** Real hashes, really computed: cheap ones. */
import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { test } from 'node:test'
import bcrypt from 'bcryptjs'
import { type PasswordHash, parsePasswordHash, type ScryptHash } from '../../config/site/password-hash.ts'
import { Passwords } from './password.ts'

const silent = { error: () => assert.fail('something was logged') }

function hashed(text: string): PasswordHash {
  const hash = parsePasswordHash(text)
  assert.ok(!('mistake' in hash))
  return hash
}

function scryptOf(password: string): ScryptHash {
  const salt = Buffer.from('some salt')
  return { kind: 'scrypt', ln: 10, r: 8, p: 1, salt, key: scryptSync(password, salt, 32, { N: 1_024, r: 8, p: 1 }) }
}

const CLIENT = '192.0.2.1'

test('scrypt: the test vector of RFC 7914, §12, as PHC writes it', async () => {
  const hash = hashed('$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI')
  const passwords = new Passwords(silent)
  assert.equal(await passwords.verify('pleaseletmein', hash, CLIENT), true)
  assert.equal(await passwords.verify('pleaseletmeout', hash, CLIENT), false)
})

test('scrypt: the most memory that is allowed is enough for itself', async () => {
  const key = scryptSync('a', 'some salt', 32, { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 })
  const hash: PasswordHash = { kind: 'scrypt', ln: 17, r: 8, p: 1, salt: Buffer.from('some salt'), key }
  assert.equal(await new Passwords(silent).verify('a', hash, CLIENT), true)
})

test('bcrypt: what htpasswd -B has written, and what others write', async () => {
  const passwords = new Passwords(silent)
  // htpasswd -nbB -C 5 alice 'open sesame'; the same under the names of other implementations.
  const text = bcrypt.hashSync('open sesame', 5)
  for (const version of ['$2a$', '$2b$', '$2y$']) {
    const hash = hashed(text.replace(/^\$2.\$/, () => version))
    assert.equal(await passwords.verify('open sesame', hash, CLIENT), true, version)
    assert.equal(await passwords.verify('open sesam', hash, CLIENT), false, version)
  }
})

test('bcrypt: the vector of a well-known implementation', async () => {
  // Of the test suite that jBCrypt and its descendants share.
  const hash = hashed('$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.')
  assert.equal(await new Passwords(silent).verify('', hash, CLIENT), true)
})

test('while bcrypt is computed, the event loop turns', async () => {
  const passwords = new Passwords(silent)
  const hash = hashed(bcrypt.hashSync('a', 5).replace('$05$', '$12$')) // some other key, at a cost of a fifth of a second
  let turns = 0
  const turn = setInterval(() => {
    turns += 1
  }, 1)
  assert.equal(await passwords.verify('a', hash, CLIENT), false)
  clearInterval(turn)
  assert.ok(turns > 10, `the loop turned ${turns} times`)
})

test('two at once, the others in turn, and beyond what may wait nobody', async () => {
  const passwords = new Passwords(silent)
  const hash = scryptOf('a')
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => passwords.verify(i % 2 === 0 ? 'a' : 'b', hash, `192.0.2.${i}`)),
  )
  const expected = Array.from({ length: 40 }, (_, i) => (i < 34 ? i % 2 === 0 : null))
  assert.deepEqual(answers, expected)
  assert.equal(await passwords.verify('a', hash, CLIENT), true) // all places are free again
})

test('one address leaves places to the others', async () => {
  const passwords = new Passwords(silent)
  const hash = hashed(bcrypt.hashSync('a', 4))
  const ofOne = Array.from({ length: 40 }, () => passwords.verify('b', hash, CLIENT))
  const ofOthers = Array.from({ length: 8 }, (_, i) => passwords.verify('a', hash, `192.0.2.${10 + i}`))
  assert.deepEqual(await Promise.all(ofOthers), Array(8).fill(true))
  const answers = await Promise.all(ofOne)
  assert.deepEqual([answers.filter((it) => it === false).length, answers.filter((it) => it === null).length], [18, 22])
})

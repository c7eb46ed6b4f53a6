import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatScrypt, parsePasswordHash } from './password-hash.ts'

/** RFC 7914 §12: "pleaseletmein", "SodiumChloride", N 16384, r 8, p 1; the first 32 bytes of 64. */
const SCRYPT = '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI'
const BCRYPT = '$2y$10$abcdefghijklmnopqrstuv01234567890123456789012345678901'.slice(0, 60)

test('an scrypt hash in PHC form is taken apart, and put together again', () => {
  const hash = parsePasswordHash(SCRYPT)
  assert.ok(!('mistake' in hash) && hash.kind === 'scrypt')
  const { ln, r, p, salt, key } = hash
  assert.deepEqual([ln, r, p, salt.toString(), key.length], [14, 8, 1, 'SodiumChloride', 32])
  assert.equal(formatScrypt(hash), SCRYPT)
})

test('a bcrypt hash of any right version is taken', () => {
  for (const version of ['2a', '2b', '2y']) {
    const text = BCRYPT.replace('2y', version)
    assert.deepEqual(parsePasswordHash(text), { kind: 'bcrypt', cost: 10, text })
  }
})

const REFUSED: readonly (readonly [text: string, mistake: RegExp])[] = [
  ['secret', /^is neither an scrypt nor a bcrypt hash; make one with 'prefork hash-password' or 'htpasswd -B'$/],
  ['', /neither/],
  ['rl.3StKT.4T8M', /neither/],
  ['$1$salt$qJH7.N4xYta3aEG/dfqo/0', /an MD5 hash/],
  ['$apr1$salt$ZwUzpbT2mQjAxP1pQx8Dn.', /an MD5 hash/],
  ['{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', /a SHA-1 hash/],
  ['$5$salt$x', /crypt\(3\)/],
  ['$6$salt$x', /crypt\(3\)/],
  ['$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$x', /Argon2/],
  ['$2y$10$short', /malformed bcrypt/],
  [`${BCRYPT}x`, /malformed bcrypt/],
  [BCRYPT.replace('$10$', '$03$'), /malformed bcrypt/],
  [BCRYPT.replace('2y', '2x'), /malformed bcrypt/],
  [BCRYPT.replace('$10$', '$15$'), /cost 15/],
  ['$scrypt$', /malformed scrypt/],
  [SCRYPT.replace('ln=14', 'ln=x'), /malformed scrypt/],
  [`${SCRYPT}=`, /malformed scrypt/],
  [SCRYPT.replace('U29kaXVtQ2hsb3JpZGU', 'YQ'), /malformed scrypt/],
  [SCRYPT.replace('ln=14', 'ln=9'), /too cheap/],
  [SCRYPT.replace('ln=14', 'ln=18'), /costs more/],
  [SCRYPT.replace('ln=14', 'ln=99'), /costs more/],
  [SCRYPT.replace('p=1', 'p=17'), /costs more/],
  [SCRYPT.replace('p=1', 'p=0'), /too cheap/],
]

for (const [text, mistake] of REFUSED) {
  test(`${JSON.stringify(text)} is refused: ${mistake.source}`, () => {
    const found = parsePasswordHash(text)
    assert.ok('mistake' in found)
    assert.match(found.mistake, mistake)
    assert.ok(text.length < 10 || !found.mistake.includes(text), 'the message repeats what may be a password')
  })
}

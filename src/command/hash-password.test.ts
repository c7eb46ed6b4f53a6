import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { test } from 'node:test'
import { OperatorError } from '../config/operator-error.ts'
import { parsePasswordHash } from '../config/site/password-hash.ts'
import { hashPassword, type Input } from './hash-password.ts'

interface Heard {
  /** What was printed on stdout. */
  readonly hash: string
  /** What was asked on stderr. */
  readonly asked: string
}

async function hear(input: Input): Promise<Heard> {
  let [hash, asked] = ['', '']
  const code = await hashPassword(input, { write: (text) => (hash += text) }, { write: (text) => (asked += text) })
  assert.equal(code, 0)
  return { hash, asked }
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text, 'latin1')
}

const utf8 = (text: string) => Buffer.from(text).toString('latin1')

/** A terminal in which somebody types; and whether it shows what they type. */
function terminal(...typed: readonly string[]): Input & { readonly modes: boolean[] } {
  const modes: boolean[] = []
  const setRawMode = (isRaw: boolean) => {
    modes.push(isRaw)
    return undefined as never
  }
  return Object.assign(pieces(...typed), { isTTY: true, setRawMode, modes })
}

function isOf(password: string, printed: string): boolean {
  assert.match(printed, /^\$scrypt\$ln=14,r=8,p=5\$\S+\$\S+\n$/)
  const hash = parsePasswordHash(printed.trimEnd())
  assert.ok(!('mistake' in hash) && hash.kind === 'scrypt')
  const { ln, r, p, salt, key } = hash
  assert.deepEqual([salt.length, key.length], [16, 32])
  return scryptSync(password, salt, key.length, { N: 2 ** ln, r, p }).equals(key)
}

const GIVEN: readonly (readonly [said: readonly string[], password: string])[] = [
  [['secret\n'], 'secret'],
  [['sec', 'ret'], 'secret'],
  [['secret\r\n'], 'secret'],
  [[' two  words \n'], ' two  words '],
  [[utf8('비밀번호\n')], '비밀번호'],
  [[utf8('e\u0301\n')], 'é'],
]

for (const [said, password] of GIVEN) {
  test(`of ${JSON.stringify(said)} on stdin, the hash of '${password}'`, async () => {
    const { hash, asked } = await hear(pieces(...said))
    assert.ok(isOf(password, hash))
    assert.equal(asked, '')
  })
}

const TYPED: readonly (readonly [typed: readonly string[], password: string])[] = [
  [['secret\r', 'secret\r'], 'secret'],
  [[...'secret\rsecret\r'], 'secret'],
  [['secx\x7fret\r', 'wrong\x15secret\r'], 'secret'],
  [['\b\bsecret\n', 'secret\n'], 'secret'],
  [[utf8('비밀\x7f번\r'), utf8('비번\r')], '비번'],
  [[utf8('비').slice(0, 2), `${utf8('비').slice(2)}\r`, utf8('비\r')], '비'],
]

for (const [typed, password] of TYPED) {
  test(`typed ${JSON.stringify(typed)}, the hash of '${password}', which is not shown`, async () => {
    const input = terminal(...typed)
    const { hash, asked } = await hear(input)
    assert.ok(isOf(password, hash))
    assert.equal(asked, 'Password: \nAgain: \n')
    assert.deepEqual(input.modes, [true, false])
  })
}

const REFUSED: readonly (readonly [input: () => Input, message: RegExp])[] = [
  [() => pieces(''), /^the password is empty; give one$/],
  [() => pieces('\n'), /^the password is empty/],
  [() => pieces('a\nb\n'), /control character/],
  [() => pieces('\xff\n'), /not UTF-8/],
  [() => pieces('a'.repeat(4_097)), /over 4096 bytes/],
  [() => terminal('a\r', 'b\r'), /^the two are not the same; try again$/],
  [() => terminal('a\x03'), /^no password was given$/],
  [() => terminal('a\r', '\x04'), /^no password was given$/],
  [() => terminal('a\r'), /^no password was given$/],
  [() => terminal('\r\r'), /empty/],
  [() => terminal('a'.repeat(4_097)), /over 4096 bytes/],
]

for (const [input, message] of REFUSED) {
  test(`refused: ${message.source}`, async () => {
    const given = input()
    await assert.rejects(hear(given), (error) => error instanceof OperatorError && message.test(error.message))
    if ('modes' in given) assert.deepEqual(given.modes, [true, false], 'the terminal shows again what is typed')
  })
}

test('the same password has another hash each time', async () => {
  const [first, second] = await Promise.all([hear(pieces('a')), hear(pieces('a'))])
  assert.notEqual(first.hash, second.hash)
})

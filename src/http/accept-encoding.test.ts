import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Coding, codingWishesOf } from './accept-encoding.ts'

const ALL: readonly Coding[] = ['br', 'zstd', 'gzip']

/** 'br gzip, or plain', 'br', 'plain', 'nothing'. */
function check(field: string | null, expected: string, has = ALL): void {
  const { codings, takesIdentity } = codingWishesOf(field, has)
  const told = [codings.join(' '), takesIdentity ? 'plain' : ''].filter((part) => part !== '').join(', or ')
  assert.equal(told || 'nothing', expected, String(field))
}

test('what browsers and tools say', () => {
  check('gzip, deflate, br, zstd', 'br zstd gzip, or plain')
  check('gzip, deflate, br', 'br gzip, or plain')
  check('gzip', 'gzip, or plain')
  check('gzip;q=1.0, identity; q=0.5, *;q=0', 'gzip, or plain')
  check('identity', 'plain')
  check('deflate', 'plain')
})

test('a client that says nothing, and one that wants nothing, get no coding', () => {
  check(null, 'plain')
  check('', 'plain')
  check(' , ', 'plain')
})

test('the weights decide, and between equals the server', () => {
  check('gzip;q=0.5, br;q=0.4, zstd;q=0.6', 'zstd gzip br, or plain')
  check('gzip;q=0.8, zstd;q=0.8', 'zstd gzip, or plain')
  check('gzip, zstd, br', 'gzip br zstd, or plain', ['gzip', 'br', 'zstd'])
  check('zstd, br', 'zstd, or plain', ['zstd'])
  check('gzip;q=0, br', 'br, or plain')
  check('gzip;q=0.001', 'gzip, or plain')
})

test('identity beats what is less welcome', () => {
  check('identity, gzip;q=0.5', 'plain')
  check('identity;q=0.5, gzip;q=0.5, br;q=0.4', 'gzip, or plain')
  check('identity;q=0.3, gzip;q=0.2', 'plain')
})

test('* is what is not listed, identity too', () => {
  check('*', 'br zstd gzip, or plain')
  check('*;q=0.5, gzip;q=1', 'gzip br zstd, or plain')
  check('*;q=0.5, gzip;q=0.1', 'br zstd, or plain')
  check('br, *;q=0', 'br')
  check('br;q=0, *', 'zstd gzip, or plain')
  check('*;q=0', 'nothing')
  check('*;q=0, identity', 'plain')
})

test('a client may refuse to do without a coding', () => {
  check('gzip, identity;q=0', 'gzip')
  check('deflate, identity;q=0', 'nothing')
})

test('case and white space do not count; x-gzip is gzip', () => {
  check('GZIP ; Q=0.5 ,\tBr', 'br gzip, or plain')
  check('x-gzip', 'gzip, or plain')
})

test('a coding whose weight cannot be read is not wanted, and no coding is', () => {
  for (const weight of ['q=2', 'q=abc', 'q=', 'q= 0', 'q =0', 'q', 'q=0.0000', 'q=-1', 'q="1"']) {
    check(`gzip;${weight}`, 'plain')
    check(`gzip;${weight}, br`, 'br, or plain')
    check(`gzip;${weight}, *`, 'br zstd, or plain')
    check(`gzip, identity;${weight}`, 'gzip, or plain')
    check(`gzip, *;${weight}`, 'gzip, or plain')
  }
  check('gzip;level=9;q=0', 'plain')
})

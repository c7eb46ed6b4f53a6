import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAuthority, namesPort } from './authority.ts'

/** The bytes lie between others that would continue an authority, so that reading over its ends shows. */
function check(text: string, expected: boolean): void {
  const bytes = Buffer.from(`1${text}1]:1`, 'latin1')
  assert.equal(isAuthority(bytes, 1, 1 + text.length), expected, text)
}

test('hosts', () => {
  for (const host of ['a', 'a.b-c_d~e', '127.0.0.1', 'a%2Fb', "!$&'()*+;=", 'a:', 'a:0', 'a:65535', 'a:00080']) {
    check(host, true)
  }
})

test('what is no host', () => {
  for (const text of [
    '',
    ':',
    ':80',
    'a:b',
    'a:65536',
    'a:-1',
    'a:1:2',
    'a b',
    'a/b',
    'a@b',
    'a,b',
    'a?b',
    'a%',
    'a%2',
    'a%zz',
    'a\xe4',
  ]) {
    check(text, false)
  }
})

test('IPv6 addresses', () => {
  for (const address of [
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1::8',
    'abCD:ef01::192.0.2.255',
    '1:2:3:4:5:6:1.2.3.4',
    '::1.2.3.4',
    '::0.0.0.0',
  ]) {
    check(`[${address}]`, true)
    check(`[${address}]:443`, true)
  }
})

test('what is no IPv6 address', () => {
  for (const text of [
    '',
    ':',
    ':::',
    '1',
    '1:',
    ':1',
    '1::2::3',
    '1:::2',
    '12345::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '::1:',
    '::g',
    '::1.2.3',
    '::1.2.3.256',
    '::1.2.3.04',
    '::1.00.3.4',
    '::1.2.3.4.5',
    '::1.2.3.4:5',
    '::1.2..4',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%25eth0',
    'v1.x',
  ]) {
    check(`[${text}]`, false)
  }
  for (const text of ['[::1', '::1', '[::1]80', '[::1]x', '[[::1]]']) check(text, false)
})

test('a port that can be connected to', () => {
  const told = (text: string) => {
    const bytes = Buffer.from(`:1${text}1`, 'latin1')
    return isAuthority(bytes, 2, 2 + text.length) && namesPort(bytes, 2, 2 + text.length)
  }
  for (const text of ['a:1', 'a:65535', 'a:0080', '127.0.0.1:443', '[::1]:443']) assert.equal(told(text), true, text)
  for (const text of ['a', 'a:', 'a:0', 'a:000', 'a1', '127.0.0.1', '[::1]', '[::1]:', '443', 'a:65536', '']) {
    assert.equal(told(text), false, text)
  }
})

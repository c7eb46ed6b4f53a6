import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCipherList, isHsts, isNameList } from './tls-texts.ts'

type Judge = (text: string) => boolean

const JUDGED: readonly (readonly [judge: Judge, texts: readonly string[], isAccepted: boolean])[] = [
  [isCipherList, ['HIGH', 'ECDHE+AESGCM:!aNULL:-RC4', 'DEFAULT@SECLEVEL=2', 'a-b.c_d'], true],
  [isCipherList, ['', 'a b', 'a,b', 'a\n', "'", 'ü'], false],
  [isNameList, ['X25519', 'X25519:P-256', '?X25519MLKEM768:*X25519/P-256', 'TLS_AES_128_GCM_SHA256'], true],
  [isNameList, ['', ':', 'a:', ':a', 'a::b', 'a b', 'a,b', 'a\n'], false],
  [isHsts, ['max-age=0', 'Max-Age = 60 ; includeSubDomains', 'preload;max-age="60"', 'max-age=1; x="a b"'], true],
  [isHsts, ['', 'max-age', 'max-age=', 'max-age=-1', 'max-age=1.5', 'max-age=a', 'max-age="1'], false],
  [
    isHsts,
    ['includeSubDomains', 'max-age=1;', 'max-age=1; MAX-AGE=2', 'max-age=1, preload', 'max-age=1 preload'],
    false,
  ],
  [isHsts, [' max-age=1', 'max-age=1 ', 'max-age=1; x="ü"', 'max-age=1\r\nX: y'], false],
]

for (const [judge, texts, isAccepted] of JUDGED) {
  test(`${judge.name} ${isAccepted ? 'accepts' : 'refuses'} ${JSON.stringify(texts)}`, () => {
    for (const text of texts) assert.equal(judge(text), isAccepted, text)
  })
}

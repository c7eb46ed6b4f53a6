import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessRules } from '../../config/routes.ts'
import { Access } from './access.ts'

const TABLE: readonly (readonly [rules: AccessRules, admitted: readonly string[], turnedAway: readonly string[]])[] = [
  [{ allow: ['127.0.0.1'], deny: [] }, ['127.0.0.1', '::ffff:127.0.0.1'], ['127.0.0.2', '::1', '']],
  [
    { allow: ['10.0.0.0/8'], deny: [] },
    ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'],
    ['11.0.0.0', '9.255.255.255'],
  ],
  [{ allow: null, deny: ['10.0.0.0/8'] }, ['11.0.0.1', '::1', ''], ['10.0.0.1', '::ffff:10.0.0.1']],
  [{ allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] }, ['10.2.0.1'], ['10.1.0.1', '11.0.0.1']],
  [{ allow: ['2001:db8::/32'], deny: [] }, ['2001:db8::1', '2001:db8:ffff::'], ['2001:db9::', '127.0.0.1']],
  [{ allow: ['::/0'], deny: [] }, ['::1', '2001:db8::1'], ['127.0.0.1', '::ffff:127.0.0.1', '']],
  [{ allow: ['0.0.0.0/0'], deny: [] }, ['127.0.0.1', '::ffff:127.0.0.1'], ['::1', '']],
  [{ allow: ['unix:'], deny: [] }, [''], ['127.0.0.1', '::1']],
  [{ allow: null, deny: ['unix:'] }, ['127.0.0.1', '::1'], ['']],
  [{ allow: ['all'], deny: [] }, ['127.0.0.1', '::1', ''], []],
  [{ allow: null, deny: ['all'] }, [], ['127.0.0.1', '::1', '']],
  [{ allow: ['all'], deny: ['127.0.0.1'] }, ['127.0.0.2', '::1', ''], ['127.0.0.1']],
]

for (const [rules, admitted, turnedAway] of TABLE) {
  test(`allow ${rules.allow}, deny ${rules.deny}`, () => {
    const access = new Access(rules)
    for (const address of admitted) assert.equal(access.admits(address), true, address)
    for (const address of turnedAway) assert.equal(access.admits(address), false, address)
  })
}

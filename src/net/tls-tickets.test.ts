/** Session tickets, and the keys that they are encrypted with: how long one is good when keys are renewed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverWith, ticketKeysFor, visit } from './tls-scene.test.support.ts'

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: a ticket outlives two new keys, and not the third; what it was exchanged for does`, async (t) => {
    const { keys, reader } = ticketKeysFor(t)
    const server = serverWith({ ticketKeys: reader })
    const only = { minVersion: version, maxVersion: version }
    const comesWith = async (session: Buffer) => {
      const seen = await visit(t, server, { ...only, session })
      assert.equal(seen.secure.isResumed, seen.isResumed)
      return seen
    }

    const first = (await visit(t, server, only)).session!
    assert.equal((await comesWith(first)).isResumed, true)
    keys.rotate()
    assert.equal((await comesWith(first)).isResumed, true, 'after one')
    keys.rotate()
    const second = await comesWith(first)
    assert.equal(second.isResumed, true, 'after two')
    keys.rotate()
    const third = await comesWith(first)
    assert.equal(third.isResumed, false, 'after three')
    assert.equal((await comesWith(second.session!)).isResumed, true, 'what it got after two')
    assert.equal((await comesWith(third.session!)).isResumed, true, 'what it got by a full handshake')
  })
}

/** What is read out of OCSP responses, beside what an authority has put into them. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { bindIfThere, bindSsl } from './libssl.ts'
import { makeCertificate } from './make-certificate.ts'
import { makeOcspResponse, noOcspAnswer } from './ocsp.test.support.ts'
import { isOcspResponse, readOcspResponse } from './ocsp.ts'

const authority = (commonName: string) => makeCertificate({ commonName, days: 9, names: null, issuer: null })
const issuer = authority('Test Authority')
const namesake = authority('Test Authority')
const [one, other] = ['one', 'other'].map((commonName) =>
  makeCertificate({ commonName, days: 5, names: `DNS:${commonName}`, issuer }),
)
const certificate = one!.certificate

const der = (pem: string) => new X509Certificate(pem).raw
const read = (response: Buffer, by: string | null = issuer.certificate) =>
  readOcspResponse(response, der(certificate), by === null ? null : der(by))

for (const verdict of ['good', 'revoked', 'unknown'] as const) {
  for (const digest of ['sha1', 'sha256'] as const) {
    test(`${verdict}, of whom ${digest} names`, () => {
      const asked = Math.floor(Date.now() / 1_000) * 1_000
      const response = makeOcspResponse({ of: [other!.certificate, certificate], issuer, verdict, digest })
      assert.equal(isOcspResponse(response), true)
      const { failure, answer } = read(response)!
      assert.equal(failure, null)
      const hourAgo = answer!.thisUpdate! - (asked - 3_600_000)
      assert.ok(hourAgo >= 0 && hourAgo < 60_000, `${hourAgo} ms from what was asked for`)
      assert.deepEqual(answer, {
        verdict,
        revokedAt: verdict === 'revoked' ? answer!.thisUpdate : null,
        thisUpdate: answer!.thisUpdate,
        nextUpdate: answer!.thisUpdate! + 3_600_000 + 86_400_000,
      })
    })
  }
}

test('it need not say when there will be another', () => {
  assert.equal(read(makeOcspResponse({ of: [certificate], issuer, nextUpdate: null }))!.answer!.nextUpdate, null)
})

test('it is about this certificate, of this issuer', () => {
  const nothing = { failure: null, answer: null }
  assert.deepEqual(read(makeOcspResponse({ of: [other!.certificate], issuer })), nothing, 'another serial number')
  assert.deepEqual(read(makeOcspResponse({ of: [certificate], issuer: namesake })), nothing, 'another key')
  assert.deepEqual(read(makeOcspResponse({ of: [certificate], issuer: authority('Another') })), nothing, 'another name')
})

test('where the issuer is not known, the serial number decides', () => {
  assert.equal(read(makeOcspResponse({ of: [other!.certificate], issuer }), null)!.answer, null)
  assert.equal(read(makeOcspResponse({ of: [certificate], issuer: namesake }), null)!.answer!.verdict, 'good')
})

for (const [status, failure] of [
  [1, 'malformedrequest'],
  [3, 'trylater'],
  [6, 'unauthorized'],
] as const) {
  test(`no answer: ${failure}`, () => {
    assert.equal(isOcspResponse(noOcspAnswer(status)), true)
    assert.deepEqual(read(noOcspAnswer(status)), { failure, answer: null })
  })
}

test('what is no response', () => {
  const whole = makeOcspResponse({ of: [certificate], issuer })
  for (const bytes of [Buffer.alloc(0), Buffer.from('text'), der(certificate), whole.subarray(0, -1)]) {
    assert.equal(isOcspResponse(bytes), false)
    assert.equal(read(bytes), null)
  }
})

test('a part that OpenSSL was built without is null, and breaks nothing', () => {
  assert.equal(
    bindIfThere(() => bindSsl('OCSP_no_such_function', 'int', [])),
    null,
  )
})

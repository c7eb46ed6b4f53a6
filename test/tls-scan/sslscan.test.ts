/** What sslscan finds: versions, ciphers and groups are the ones of the configuration and no other, and nothing old comes with them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run, unless } from '../support/curl.ts'
import { startScanned } from '../support/scanned.ts'

const TLS_1_3 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']
const TLS_1_2 = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305']
const GROUPS = ['secp256r1', 'secp384r1', 'x25519']

/** Of each element of that name, these attributes: `tls 1.3 1`. */
function attributesOf(xml: string, element: string, ...names: readonly string[]): string[] {
  const elements = [...xml.matchAll(new RegExp(`<${element} ([^>]*)/>`, 'g'))].map(([, text]) => text!)
  return elements.map((text) => names.map((name) => new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1]).join(' '))
}

test('sslscan', { skip: unless('sslscan') }, async (t) => {
  const { authority } = await startScanned(t)
  const xml = String(await run('sslscan', ['--xml=-', '--no-colour', authority]))
  assert.deepEqual(attributesOf(xml, 'protocol', 'type', 'version', 'enabled'), [
    ...['ssl 2 0', 'ssl 3 0', 'tls 1.0 0', 'tls 1.1 0', 'tls 1.2 1', 'tls 1.3 1'],
  ])
  const ofBothKeys = TLS_1_2.flatMap((cipher) => [`ECDHE-ECDSA-${cipher}`, `ECDHE-RSA-${cipher}`])
  assert.deepEqual(
    attributesOf(xml, 'cipher', 'sslversion', 'cipher').sort(),
    [...TLS_1_3.map((cipher) => `TLSv1.3 ${cipher}`), ...ofBothKeys.map((cipher) => `TLSv1.2 ${cipher}`)].sort(),
  )
  const strengths = new Set(attributesOf(xml, 'cipher', 'strength'))
  assert.deepEqual([...strengths].sort(), ['acceptable', 'strong'])
  const groups = attributesOf(xml, 'group', 'sslversion', 'name').map((group) => group.replace(/ \(.*/, ''))
  assert.deepEqual(
    groups.sort(),
    ['TLSv1.2', 'TLSv1.3'].flatMap((version) => GROUPS.map((group) => `${version} ${group}`)),
  )
  assert.deepEqual(attributesOf(xml, 'renegotiation', 'supported'), ['0'])
  assert.ok(attributesOf(xml, 'compression', 'supported').every((supported) => supported === '0'))
  assert.deepEqual(attributesOf(xml, 'heartbleed', 'sslversion', 'vulnerable').sort(), ['TLSv1.2 0', 'TLSv1.3 0'])
})

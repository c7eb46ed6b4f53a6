/** What testssl.sh finds amiss: nothing, but what is due to a test's certificate, or to the program itself. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unless } from '../support/curl.ts'
import { startProgram } from '../support/program.ts'
import { startScanned } from '../support/scanned.ts'
import { scene } from '../support/scene.ts'

interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

/** Of these the server can do nothing, and why. */
const EXPECTED: Readonly<Record<string, string>> = {
  'HIGH cert_revocation': 'the authority of a test publishes no revocations',
  'WARN sessionresumption_ticket':
    'its client (openssl s_client </dev/null) leaves as soon as it has shaken hands, often before a ticket of TLS 1.3 can come',
}

const isLong = process.env.PREFORK_SCENES === 'long'

/** Of the many that a whole scan has, these: one that broke down would find nothing amiss. */
const LOOKED_FOR = ['TLS1_3', 'heartbleed', 'secure_client_renego', 'ROBOT', 'CRIME_TLS', 'LUCKY13', 'HSTS_time']

scene(
  'testssl.sh',
  async (t, { print }) => {
    const { authority, cwd } = await startScanned(t)
    const options = ['--quiet', '--warnings', 'batch', '--color', '0', '--nodns', 'none', '--add-ca', 'ca.pem']
    const program = startProgram(t, [...options, '--jsonfile', 'findings.json', authority], { command: 'testssl', cwd })
    await program.finished
    const findings = JSON.parse(readFileSync(join(cwd, 'findings.json'), 'utf8')) as Finding[]
    const ids = new Set(findings.map(({ id }) => id))
    for (const id of LOOKED_FOR) assert.ok(ids.has(id), `it did not look for ${id}:\n${program.stdout.join('\n')}`)
    const amiss = findings.filter(({ severity }) => !['OK', 'INFO'].includes(severity))
    const told = (found: readonly Finding[]) =>
      found.map(({ severity, id, finding }) => `${severity} ${id}: ${finding}`)
    const isExpected = ({ severity, id }: Finding) => `${severity} ${id.split(' ')[0]}` in EXPECTED
    print(`${findings.length} findings; expected of these: ${told(amiss.filter(isExpected)).join(', ') || 'none'}`)
    assert.deepEqual(told(amiss.filter((it) => !isExpected(it))), [])
  },
  { skip: isLong ? unless('testssl') : 'it takes minutes: npm run test:tls-scan' },
)

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import type { Config, StaticOptions } from '../config/options.ts'
import type { Site } from '../config/routes.ts'
import type { LoadedApp } from '../handlers/app/load-app.ts'
import { KeptLog, LIMITS, TIMEOUTS } from './pretend-service.test.support.ts'
import { rehearse } from './rehearse.ts'

type Target = Config['target']

function configOf(target: Target, site: Site | null, accessLog: string, model = 'event'): Config {
  const config = { target, site, model, limits: LIMITS, timeouts: TIMEOUTS, readyPath: null, accept: 'shared' }
  return { ...config, accessLog, accessLogFormat: 'json' } as unknown as Config
}

/** An app whose code must not run here. */
const untouchable = {
  file: '/app.mjs',
  fetch: () => assert.fail('the app was asked'),
  hooks: { workerStart: () => assert.fail('workerStart ran'), workerStop: () => assert.fail('workerStop ran') },
} as unknown as LoadedApp

/** Routes that would refuse the rehearsal, or open something. */
const rules = { fields: [], hsts: null, cors: null, guard: 0, access: { allow: null, deny: ['all'] } }
const site: Site = {
  hosts: [
    {
      name: 'a.example',
      routes: [
        {
          path: '/*',
          action: { kind: 'static', root: '/', options: {} as StaticOptions },
          rewrite: null,
          rules,
          isWritten: true,
        },
        { path: '/*', action: { kind: 'app', file: '/app.mjs' }, rewrite: null, rules, isWritten: true },
      ],
    },
  ],
  guards: [{ realm: 'r', users: [] }],
}

const targets: readonly [string, Target, Site | null, LoadedApp[]][] = [
  ['hello', { kind: 'hello' }, null, []],
  ['a directory', { kind: 'directory', root: '/' }, null, []],
  ['an app', { kind: 'app', file: '/app.mjs' }, null, [untouchable]],
  ['hosts', { kind: 'hello' }, site, [untouchable]],
  ['hosts without an app', { kind: 'hello' }, site, []],
]

for (const [name, target, site, apps] of targets) {
  for (const accessLog of ['off', '-']) {
    test(`with ${name}, access log ${accessLog}, it leaves nothing behind, and says nothing`, async () => {
      const before = openDescriptors()
      const log = new KeptLog()
      await rehearse(configOf(target, site, accessLog), apps, log)
      assert.equal(openDescriptors(), before)
      assert.deepEqual(log.entries, [])
    })
  }
}

test('where a child ends with its connection, the rehearsal does not end with its own', async () => {
  const log = new KeptLog()
  await rehearse(configOf({ kind: 'hello' }, null, 'off', 'fork'), [], log)
  assert.deepEqual(log.entries, [])
})

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

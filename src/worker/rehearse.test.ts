import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import type { Config } from '../config/options.ts'
import type { LoadedApp } from '../handlers/app/load-app.ts'
import { KeptLog, LIMITS, TIMEOUTS } from './pretend-service.test.support.ts'
import { rehearse } from './rehearse.ts'

type Target = Config['target']

function configOf(target: Target, accessLog: string): Config {
  const config = { target, model: 'event', limits: LIMITS, timeouts: TIMEOUTS, readyPath: null }
  return { ...config, accessLog, accessLogFormat: 'json' } as unknown as Config
}

/** An app whose code must not run here. */
const untouchable = {
  fetch: () => assert.fail('the app was asked'),
  hooks: { workerStart: () => assert.fail('workerStart ran'), workerStop: () => assert.fail('workerStop ran') },
} as unknown as LoadedApp

const targets: readonly [string, Target, LoadedApp | null][] = [
  ['hello', { kind: 'hello' }, null],
  ['a directory', { kind: 'directory', root: '/' }, null],
  ['an app', { kind: 'app', file: '/app.mjs' }, untouchable],
]

for (const [name, target, app] of targets) {
  for (const accessLog of ['off', '-']) {
    test(`with ${name}, access log ${accessLog}, it leaves nothing behind, and says nothing`, async () => {
      const before = openDescriptors()
      const log = new KeptLog()
      await rehearse(configOf(target, accessLog), app, log)
      assert.equal(openDescriptors(), before)
      assert.deepEqual(log.entries, [])
    })
  }
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

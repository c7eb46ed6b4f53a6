import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuseContradictions } from './contradictions.ts'
import { OperatorError } from './operator-error.ts'
import type { Options } from './options.ts'
import { defaultSettings, lay } from './settings.ts'

/** The sentence about these options, or null. */
function judge(file: Options, flags: Options = {}): string | null {
  const settings = defaultSettings('/')
  lay(settings, file, '/', (path) => `${path} in c.mjs`)
  lay(settings, flags, '/', (path) => `--${path}`)
  try {
    refuseContradictions(settings)
    return null
  } catch (error) {
    assert.ok(error instanceof OperatorError)
    return error.message
  }
}

const HOLDS: readonly (readonly [file: Options, flags?: Options])[] = [
  [{}],
  [{ pool: { minSpare: 10 } }],
  [{ pool: { minSpare: 3, maxSpare: 3, maxWorkers: 3 } }],
  // Nobody said how many may be idle, so nobody contradicts themselves.
  [{ model: 'fork', pool: { maxWorkers: 2 } }],
  [{ model: 'prefork', pool: { maxWorkers: 2 } }],
  [{ model: 'prefork', workers: 2, pool: { maxWorkers: 2 } }],
  [{ model: 'prefork', workers: 'auto', pool: { maxWorkers: 1 } }],
  [{ model: 'event', workers: 300 }],
  [{ model: 'fork', workers: 300 }],
  [{ model: 'fork', spawn: 'fork', accept: 'parent' }],
  [{ model: 'prefork', spawn: 'exec' }],
  [{ model: 'prefork', accept: 'shared' }],
  [{ model: 'event', accept: 'reuseport' }],
  [{ group: 'www-data' }],
  [{ model: 'fork', spawn: 'exec' }, { spawn: 'auto' }],
  [{ static: { cacheBytes: 0 } }],
  [{ security: { hsts: 'max-age=1' } }, { tls: { cert: 'a.pem' } }],
  [{ security: { hsts: 'off' } }],
  [{ static: { cacheBytes: 4096, cacheFileBytesMax: 4096 } }],
]

for (const [file, flags = {}] of HOLDS) {
  test(`no contradiction: ${JSON.stringify({ ...file, ...flags })}`, () => assert.equal(judge(file, flags), null))
}

const REFUSED: readonly (readonly [file: Options, flags: Options, sentence: string])[] = [
  [
    { security: { hsts: 'max-age=1' } },
    {},
    "security.hsts in c.mjs is 'max-age=1', which is sent over TLS only, and there is no certificate; " +
      'give tls.cert and tls.key, or, where a proxy in front has the TLS, headers: Strict-Transport-Security',
  ],
  [
    { static: { cacheBytes: 4096, cacheFileBytesMax: 4097 } },
    {},
    'static.cacheFileBytesMax in c.mjs is 4097, more than static.cacheBytes in c.mjs, which is 4096; lower the one or raise the other',
  ],
  [
    { pool: { minSpare: 11 } },
    {},
    'pool.minSpare in c.mjs is 11, more than pool.maxSpare, which is 10; lower the one or raise the other',
  ],
  [
    { pool: { maxSpare: 4 } },
    {},
    'pool.minSpare is 5, more than pool.maxSpare in c.mjs, which is 4; lower the one or raise the other',
  ],
  [
    { pool: { maxSpare: 20, maxWorkers: 10 } },
    {},
    'pool.maxSpare in c.mjs is 20, more than pool.maxWorkers in c.mjs, which is 10; lower the one or raise the other',
  ],
  [
    { model: 'prefork' },
    { workers: 257 },
    '--workers is 257, more than pool.maxWorkers, which is 256; lower the one or raise the other',
  ],
  [
    { spawn: 'exec' },
    { model: 'fork' },
    "--model is 'fork', which needs fork(2), but spawn in c.mjs is 'exec'; leave spawn out, or choose another model",
  ],
  [
    { model: 'fork' },
    { accept: 'shared' },
    "--accept is 'shared', but model in c.mjs is 'fork', where the parent always accepts; " +
      'leave accept out, or choose another model',
  ],
  [
    { model: 'prefork', accept: 'reuseport' },
    {},
    "accept in c.mjs is 'reuseport', but model in c.mjs is 'prefork', whose workers take a connection each from one " +
      'socket when they are idle; leave accept out, or choose the model event',
  ],
  [
    { model: 'prefork' },
    { accept: 'parent' },
    "--accept is 'parent', but model in c.mjs is 'prefork', whose workers take a connection each from one socket when " +
      'they are idle; leave accept out, or choose the model event',
  ],
]

for (const [file, flags, sentence] of REFUSED) {
  test(`refused: ${sentence}`, () => assert.equal(judge(file, flags), sentence))
}

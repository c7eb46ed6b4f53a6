import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { OperatorError } from '../../config/operator-error.ts'
import type { AppContext } from './contract.ts'
import { appFrom, loadApp } from './load-app.ts'

const request = new Request('http://a/')
const context: AppContext = {
  remoteAddress: '::1',
  remotePort: 1,
  tls: null,
  waitUntil() {},
  upgrade() {
    throw new Error('not planned')
  },
}

async function check(moduleNamespace: unknown, expected: string): Promise<void> {
  const response = await appFrom(moduleNamespace, '/app.ts')(request, context)
  assert.equal(await response?.text(), expected)
}

class Greeter {
  readonly greeting = 'method of its object'
  fetch() {
    return new Response(this.greeting)
  }
}

test('a bare function is an app', () => check({ default: () => new Response('bare') }, 'bare'))
test('an object with fetch is an app, and fetch its method', () =>
  check({ default: new Greeter() }, 'method of its object'))
test('a function that has fetch is called by it', () => {
  const app = Object.assign(() => new Response('called'), { fetch: () => new Response('fetched') })
  return check({ default: app }, 'fetched')
})
test('an export named fetch is an app', () => check({ fetch: () => new Response('named') }, 'named'))
test('the default export goes before the named one', () =>
  check({ default: () => new Response('default'), fetch: () => new Response('named') }, 'default'))
test('CommonJS made of an ES module is an app', async () => {
  await check({ default: { __esModule: true, default: new Greeter() } }, 'method of its object')
  await check({ default: { default: { default: () => new Response('deep') } } }, 'deep')
})
test('CommonJS with exports.fetch is an app', () => check({ default: { fetch: () => new Response('cjs') } }, 'cjs'))

test('the app is given the context, also where Cloudflare and Hono have theirs', async () => {
  let given: unknown[] = []
  const fetch = (...args: unknown[]) => {
    given = args
    return new Response()
  }
  for (const app of [{ default: fetch }, { default: { fetch } }, { fetch }]) {
    given = []
    await appFrom(app, '/app.ts')(request, context)
    assert.deepEqual(given, [request, context, context])
  }
})

const NO_APPS: [unknown, RegExp][] = [
  [{}, /no default export/],
  [{ default: 42 }, /its default export is 42/],
  [{ default: { get: () => 1 } }, /its default export has no method 'fetch'/],
  [{ default: Promise.resolve(new Greeter()) }, /its default export is a promise; await it first/],
  [{ default: null }, /its default export/],
]

test('what is no app is named, with what to export', () => {
  for (const [moduleNamespace, sentence] of NO_APPS) {
    const refused = (error: unknown) =>
      error instanceof OperatorError &&
      sentence.test(error.message) &&
      error.message.includes('/srv/app.ts is not an app') &&
      error.message.includes('export default { fetch(request)')
    assert.throws(() => appFrom(moduleNamespace, '/srv/app.ts'), refused)
  }
})

const folder = mkdtempSync(join(tmpdir(), 'load-app-'))
after(() => rmSync(folder, { recursive: true }))

test('an app is loaded from its file, TypeScript too', async () => {
  const file = join(folder, 'app.ts')
  writeFileSync(file, "export default { fetch(request: Request): Response { return new Response('typed') } }\n")
  const { fetch } = await loadApp(file)
  assert.equal(await (await fetch(request, context))?.text(), 'typed')
})

test('an app that throws while it loads is the operator’s to see, with its own error', async () => {
  const file = join(folder, 'throws.mjs')
  writeFileSync(file, "throw new Error('no database')\n")
  const refused = (error: unknown) =>
    error instanceof OperatorError && error.message.includes(file) && String(error.cause) === 'Error: no database'
  await assert.rejects(loadApp(file), refused)
})

test('an app finds the lazy classes when it takes hold of them while loading', async () => {
  const file = join(folder, 'early.mjs')
  writeFileSync(
    file,
    'const { Response } = globalThis\nexport const taken = Response\nexport default () => new Response()\n',
  )
  await loadApp(file)
  const { taken } = (await import(file)) as { taken: unknown }
  assert.equal(taken, globalThis.Response)
})

test('an app may export a function for CONNECT, which is none of its hooks', async () => {
  const file = join(folder, 'connect.mjs')
  writeFileSync(file, 'export default () => new Response()\nexport const connect = () => new Response()\n')
  const app = await loadApp(file)
  assert.equal(typeof app.connect, 'function')
  assert.deepEqual(app.hooks, {})
  writeFileSync(join(folder, 'no-function.mjs'), 'export default () => new Response()\nexport const connect = 1\n')
  await assert.rejects(loadApp(join(folder, 'no-function.mjs')), /exports connect, which is 1\. Make it a function/)
})

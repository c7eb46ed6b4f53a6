import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pretendStatus } from '../../test/support/pretend-status.ts'
import { PretendStories, pretendSteps, pretendStory } from '../../test/support/pretend-stories.ts'
import type { IncomingRequest, Reply } from '../handlers/handler.ts'
import { createAdminHandler } from './handler.ts'

const stories = new PretendStories()
stories.kept = [pretendStory(7, pretendSteps('127.0.0.1:5', 'GET /', 1, 2))]

function asker(source: PretendStories | null, token: string | null = null) {
  const handler = createAdminHandler({ status: async () => pretendStatus(), stories: source, token })
  return async (path: string, method = 'GET', authorization: string | null = null) => {
    const field = (name: string) => (name === 'authorization' ? authorization : null)
    const reply = await handler({ head: { path, method, host: 'localhost', field } } as unknown as IncomingRequest)
    return { ...reply, fields: fieldsOf(reply) }
  }
}

function fieldsOf({ fields }: Reply): Record<string, string> {
  return Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), fields[i + 1]!]] : [])))
}

const ask = asker(stories)

test('the page, and each of its files, which name no other place', async () => {
  const { body, fields } = await ask('/')
  const html = String(body)
  assert.equal(fields['content-type'], 'text/html; charset=utf-8')
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"])
    assert.ok(fields['content-security-policy']!.includes(part), part)
  assert.doesNotMatch(html, /https?:|<style|style=|onclick|<script(?! type="module" src="\/)/)
  const named = [...html.matchAll(/(?:src|href)="(\/[\w-]+\.\w+)"/g)].map(([, path]) => path!)
  const modules = [...String((await ask('/page.js')).body).matchAll(/from '\.(\/[\w-]+\.js)'/g)].map(
    ([, path]) => path!,
  )
  assert.ok(named.length >= 7 && modules.length >= 8)
  for (const path of [...named.filter((it) => it !== '/connections.json'), ...modules])
    assert.equal((await ask(path)).status, 200, path)
})

test('nothing is kept by anybody, guessed at, or put into a frame', async () => {
  for (const path of ['/', '/page.js', '/page.css', '/icon.svg', '/metrics', '/stories/7.json']) {
    const { fields } = await ask(path)
    const kept = [fields['cache-control'], fields['x-content-type-options'], fields['x-frame-options']]
    assert.deepEqual(kept, ['no-store', 'nosniff', 'DENY'], path)
  }
})

test('a story by its number; one that is not kept, and any where none is', async () => {
  const { status, body } = await ask('/stories/7.json')
  assert.equal(status, 200)
  assert.deepEqual(JSON.parse(String(body)), stories.kept[0])
  for (const gone of [await ask('/stories/8.json'), await asker(null)('/stories/7.json')]) {
    assert.equal(gone.status, 404)
    assert.match(String(gone.body), /This story is not kept any more/)
  }
})

test('what there is not, is not: tests, sources, paths that climb', async () => {
  for (const path of ['/gone', '/units.test.js', '/document.ts', '/../main.js', '/stories/x.json', '/__proto__'])
    assert.equal((await ask(path)).status, 404, path)
})

test('HEAD asks for everything, and opens no page; nothing else is done', async () => {
  const { status, body, fields } = await ask('/events', 'HEAD')
  assert.deepEqual([status, body, fields['content-type']], [200, null, 'text/event-stream'])
  assert.equal(stories.isWatched, false)
  for (const path of ['/', '/events', '/stories/7.json']) assert.equal((await ask(path, 'POST')).status, 405, path)
})

test('with a token every part asks for it, as a browser can bring it', async () => {
  const askWith = asker(stories, '0123456789abcdef')
  const basic = `Basic ${Buffer.from('me:0123456789abcdef').toString('base64')}`
  for (const path of ['/', '/page.js', '/stories/7.json', '/metrics', '/gone']) {
    const refused = await askWith(path)
    assert.deepEqual([refused.status, refused.fields['www-authenticate']?.split(' ')[0]], [401, 'Basic'], path)
    assert.notEqual((await askWith(path, 'GET', basic)).status, 401, path)
  }
  assert.equal((await askWith('/events')).status, 401)
})

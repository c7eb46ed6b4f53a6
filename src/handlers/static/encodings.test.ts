import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Reply, StreamBody } from '../handler.ts'
import { contentOf, decodedOf, HAS_ZSTD, MTIME_SECONDS, shelf, textOf } from './shelf.test.support.ts'
import { atOnce, bytesOf, fieldsOf, openDescriptors } from './site.test.support.ts'

/** What bundlers leave behind. That they hold something else shows which was sent. */
const BUILT = { 'app.js': 'plain', 'app.js.br': 'as br', 'app.js.gz': 'as gzip', 'app.js.zst': 'as zstd' }
const ALL = 'gzip, deflate, br, zstd'

function codingOf(reply: Reply): string {
  return fieldsOf(reply)['content-encoding'] ?? 'plain'
}

// ── compressed beforehand ────────────────────────────────────────────────────

test('of what lies ready, the client gets what it likes best, and of equals the smallest', (t) => {
  const { ask } = shelf(t, BUILT)
  for (const [codings, expected] of [
    [ALL, 'as br'],
    ['gzip', 'as gzip'],
    ['gzip, zstd', 'as zstd'],
    ['br;q=0.5, gzip', 'as gzip'],
    ['br;q=0, *', 'as zstd'],
    ['identity', 'plain'],
    ['identity, br;q=0.9', 'plain'],
    ['deflate', 'plain'],
    ['', 'plain'],
    ['br, identity;q=0', 'as br'],
  ] as const) {
    assert.equal(`${bytesOf(ask('/app.js', { 'Accept-Encoding': codings }))}`, expected, codings)
  }
  assert.equal(`${bytesOf(ask('/app.js'))}`, 'plain')
  assert.equal(`${bytesOf(ask('/app.js.br', { 'Accept-Encoding': ALL }))}`, 'as br', 'asked for by its own name')
})

test('it has the type of the original, a coding, and a tag of its own', (t) => {
  const { ask } = shelf(t, BUILT)
  assert.deepEqual(fieldsOf(ask('/app.js', { 'Accept-Encoding': 'br' })), {
    'content-type': 'text/javascript; charset=utf-8',
    'content-encoding': 'br',
    'x-content-type-options': 'nosniff',
    vary: 'Accept-Encoding',
    'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT',
    etag: '"6553f100.0-5-br"',
    'accept-ranges': 'bytes',
  })
  const tags = ['br', 'zstd', 'gzip', ''].map((it) => fieldsOf(ask('/app.js', { 'Accept-Encoding': it })).etag!)
  assert.equal(new Set(tags).size, 4)
  assert.ok(tags.every((tag) => tag.startsWith('"')))
})

test('conditions and ranges are about the one that is sent', (t) => {
  const { ask } = shelf(t, BUILT)
  const br = { 'Accept-Encoding': 'br' }
  const { etag } = fieldsOf(ask('/app.js', br)) as { etag: string }
  const unchanged = ask('/app.js', { ...br, 'If-None-Match': etag })
  assert.deepEqual(unchanged, { status: 304, fields: ['ETag', etag, 'Vary', 'Accept-Encoding'], body: null })
  assert.equal(ask('/app.js', { 'If-None-Match': etag }).status, 200)
  assert.equal(ask('/app.js', { ...br, 'If-Match': etag }).status, 200)
  assert.equal(ask('/app.js', { 'If-Match': etag }).status, 412)
  const part = ask('/app.js', { ...br, Range: 'bytes=3-', 'If-Range': etag })
  assert.equal(
    `${part.status} ${bytesOf(part)} ${fieldsOf(part)['content-range']} ${codingOf(part)}`,
    '206 br bytes 3-4/5 br',
  )
  assert.equal(ask('/app.js', { Range: 'bytes=3-', 'If-Range': etag }).status, 200)
})

test('one that is older than its original is passed over, until it is made anew', (t) => {
  const { ask, write, clock } = shelf(t, { 'app.js': 'plain' })
  write('app.js.br', 'stale', MTIME_SECONDS - 1)
  write('app.js.gz', 'as gzip', MTIME_SECONDS)
  const asked = () => `${bytesOf(ask('/app.js', { 'Accept-Encoding': ALL }))}`
  assert.equal(asked(), 'as gzip')
  write('app.js.br', 'as br', MTIME_SECONDS + 1)
  assert.equal(asked(), 'as gzip', 'a moment ago it was not there')
  clock.ms = 1_000
  assert.equal(asked(), 'as br')
  write('app.js', 'newer', MTIME_SECONDS + 2)
  assert.equal(asked(), 'as br', 'a moment ago the original was older')
  clock.ms = 2_000
  assert.equal(asked(), 'newer')
})

test('what is no regular file beneath the root is passed over', (t) => {
  const { ask, root, write } = shelf(t, { 'a.js': 'a', 'b.js': 'b', 'c.js': 'c', 'd.js': 'd', 'elsewhere.br': 'x' })
  mkdirSync(join(root, 'a.js.br'))
  execFileSync('mkfifo', [join(root, 'b.js.br')])
  symlinkSync('/etc/passwd', join(root, 'c.js.br'))
  write('e.js', 'e')
  utimesSync(join(root, 'elsewhere.br'), MTIME_SECONDS + 1, MTIME_SECONDS + 1)
  symlinkSync('elsewhere.br', join(root, 'e.js.br'))
  const before = openDescriptors()
  for (const name of ['a', 'b', 'c', 'd']) {
    assert.equal(`${bytesOf(ask(`/${name}.js`, { 'Accept-Encoding': 'br' }))}`, name)
  }
  assert.equal(`${bytesOf(ask('/e.js', { 'Accept-Encoding': 'br' }))}`, 'x', 'a link that stays beneath is followed')
  assert.equal(openDescriptors(), before)
})

test('one that is gone between being found and being opened gives way to the original', (t) => {
  const large = textOf(100_000)
  const { ask, root, write, clock } = shelf(t, { 'app.js': large, 'app.js.br': `br ${large}` }, { compress: [] })
  const asked = () => codingOf(closed(ask('/app.js', { 'Accept-Encoding': 'br' })))
  assert.equal(asked(), 'br')
  rmSync(join(root, 'app.js.br'))
  assert.equal(asked(), 'plain')
  write('app.js.br', `br ${large}`)
  assert.equal(asked(), 'plain')
  clock.ms = 1_000
  assert.equal(asked(), 'br')
  write('app.js.br', `exchanged ${large}`)
  const exchanged = ask('/app.js', { 'Accept-Encoding': 'br' })
  assert.equal(bytesOf(exchanged).length, large.length + 10)
  assert.match(fieldsOf(exchanged).etag!, /-186aa-br"$/) // its own length, not that of the one before
})

function closed(reply: Reply): Reply {
  bytesOf(reply)
  return reply
}

test('small ones are kept, each for itself', (t) => {
  const { ask, root } = shelf(t, BUILT)
  const asked = (codings: string) => bytesOf(ask('/app.js', { 'Accept-Encoding': codings })).toString()
  const everything = () => ['br', 'zstd', 'gzip', ''].map(asked).join()
  const first = everything()
  assert.equal(everything(), first)
  for (const name of Object.keys(BUILT)) rmSync(join(root, name))
  assert.equal(everything(), first)
})

test('types that do not become smaller are not negotiated', (t) => {
  const { ask } = shelf(t, { 'a.png': 'plain', 'a.png.br': 'br', 'a.png.gz': 'gz' })
  const reply = ask('/a.png', { 'Accept-Encoding': 'br, identity;q=0' })
  assert.equal(`${bytesOf(reply)} ${fieldsOf(reply).vary}`, 'plain undefined')
})

test('who wants neither kind of compression gets none, and no Vary', async (t) => {
  const text = textOf(5_000)
  const neither = shelf(t, { 'app.js': text, 'app.js.br': 'br' }, { precompressed: false, compress: [] })
  const reply = neither.ask('/app.js', { 'Accept-Encoding': ALL })
  assert.deepEqual([`${bytesOf(reply)}`, fieldsOf(reply).vary], [text, undefined])
})

// ── compressed here ──────────────────────────────────────────────────────────

const TEXT = textOf(50_000)

for (const coding of ['br', 'gzip', ...(HAS_ZSTD ? ['zstd'] : [])]) {
  test(`compressed as ${coding}: at once and kept, or streamed`, async (t) => {
    const large = textOf(300_000)
    const { encoded, later } = shelf(t, { 'a.txt': TEXT, 'large.txt': large }, { cacheFileBytesMax: 100_000 })
    const first = await encoded('/a.txt', coding)
    assert.equal(`${await decodedOf(first)}`, TEXT)
    assert.ok((first.body as Uint8Array).length < TEXT.length / 2)
    assert.deepEqual(fieldsOf(first), {
      'content-type': 'text/plain; charset=utf-8',
      'content-encoding': coding,
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Encoding',
      'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT',
      etag: `W/"6553f100.0-c350-${coding}"`,
    })
    assert.equal(later('/a.txt', { 'Accept-Encoding': coding }), first, 'the same again, without waiting')
    const streamed = atOnce(later('/large.txt', { 'Accept-Encoding': coding }))
    assert.equal((streamed.body as StreamBody).kind, 'stream')
    assert.equal(`${await decodedOf(streamed)}`, large)
  })
}

test('what Node cannot do is not done', async (t) => {
  const { encoded } = shelf(t, { 'a.txt': TEXT })
  assert.equal(codingOf(await encoded('/a.txt', 'zstd')), HAS_ZSTD ? 'zstd' : 'plain')
})

test('a hot file is compressed once: who asks meanwhile waits for the same', async (t) => {
  const { later } = shelf(t, { 'a.txt': TEXT })
  const asked = Array.from({ length: 5 }, () => later('/a.txt', { 'Accept-Encoding': 'br' }))
  assert.ok(asked.every((reply) => reply === asked[0] && reply instanceof Promise))
  await asked[0]
})

test('its tag is weak: it is good for If-None-Match, and for nothing that must be exact', async (t) => {
  const { encoded, later } = shelf(t, { 'a.txt': TEXT })
  const { etag } = fieldsOf(await encoded('/a.txt', 'br')) as { etag: string }
  const ask = (fields: Record<string, string>) => later('/a.txt', { 'Accept-Encoding': 'br', ...fields })
  assert.equal(atOnce(ask({ 'If-None-Match': etag })).status, 304)
  assert.equal(atOnce(ask({ 'If-None-Match': etag.slice(2) })).status, 304)
  assert.equal(atOnce(ask({ 'If-Match': etag })).status, 412)
  const identity = atOnce(later('/a.txt'))
  assert.equal((await ask({ 'If-None-Match': fieldsOf(identity).etag! })).status, 200)
})

test('a tag is compared without compressing anything', async (t) => {
  const { later, encoded } = shelf(t, { 'a.txt': TEXT, 'b.txt': TEXT })
  const { etag } = fieldsOf(await encoded('/b.txt', 'br')) as { etag: string }
  assert.equal(atOnce(later('/a.txt', { 'Accept-Encoding': 'br', 'If-None-Match': etag })).status, 304)
})

test('ranges are those of the file as it is', (t) => {
  const { ask } = shelf(t, { 'a.txt': TEXT })
  const part = ask('/a.txt', { 'Accept-Encoding': 'br', Range: 'bytes=0-9' })
  assert.deepEqual([part.status, codingOf(part), `${bytesOf(part)}`], [206, 'plain', TEXT.slice(0, 10)])
  assert.doesNotMatch(fieldsOf(part).etag!, /^W/)
  assert.equal(fieldsOf(part).vary, 'Accept-Encoding')
})

test('small files, other types and what is not asked for are left as they are', (t) => {
  const { ask } = shelf(t, { 'a.txt': textOf(1_023), 'b.png': TEXT, 'c.txt': TEXT, 'd.txt': '' }, { compress: 'gzip' })
  for (const [path, codings] of [
    ['/a.txt', 'gzip'],
    ['/b.png', 'gzip'],
    ['/c.txt', 'br'],
    ['/c.txt', 'gzip;q=0.1, identity;q=0.2'],
    ['/d.txt', 'gzip, identity;q=0.5'],
  ] as const) {
    assert.equal(codingOf(ask(path, { 'Accept-Encoding': codings })), 'plain', `${path} ${codings}`)
  }
})

test('the operator’s order decides between equals', async (t) => {
  const { encoded } = shelf(t, { 'a.txt': TEXT }, { compress: ['gzip', 'br'] })
  assert.equal(codingOf(await encoded('/a.txt', 'br, gzip')), 'gzip')
  assert.equal(codingOf(await encoded('/a.txt', 'br, gzip;q=0.9')), 'br')
})

test('what lies ready goes before what had to be made', (t) => {
  const { ask } = shelf(t, { 'a.txt': TEXT, 'a.txt.gz': 'as gzip' })
  assert.equal(codingOf(ask('/a.txt', { 'Accept-Encoding': 'br, gzip' })), 'gzip')
})

test('what does not become smaller is sent as it is, and not tried again', async (t) => {
  const noise = randomBytes(5_000)
  const { encoded, ask } = shelf(t, { 'noise.txt': noise })
  const first = await encoded('/noise.txt', 'br')
  assert.deepEqual([codingOf(first), fieldsOf(first).vary], ['plain', 'Accept-Encoding'])
  assert.ok((await contentOf(first)).equals(noise))
  assert.ok(bytesOf(ask('/noise.txt', { 'Accept-Encoding': 'br' })).equals(noise))
})

test('with enough under way, others are sent as they are', async (t) => {
  const { later } = shelf(t, { 'a.txt': TEXT, 'b.txt': TEXT }, { compressionsMax: 1 })
  const ask = (path: string) => later(path, { 'Accept-Encoding': 'br' })
  const waiting = ask('/a.txt')
  assert.ok(waiting instanceof Promise)
  const busy = atOnce(ask('/b.txt'))
  assert.deepEqual([codingOf(busy), fieldsOf(busy).vary], ['plain', 'Accept-Encoding'])
  bytesOf(busy)
  const head = atOnce(later('/b.txt', { 'Accept-Encoding': 'br' }, 'HEAD'))
  assert.deepEqual(fieldsOf(head), fieldsOf(busy))
  const refused = atOnce(later('/b.txt', { 'Accept-Encoding': 'br, identity;q=0' }))
  assert.deepEqual([refused.status, fieldsOf(refused)['retry-after']], [503, '1'])
  await waiting
  assert.equal(codingOf(await ask('/b.txt')), 'br')
})

test('a file that changes meanwhile is not kept', async (t) => {
  const { later, write, clock } = shelf(t, { 'a.txt': TEXT })
  const waiting = later('/a.txt', { 'Accept-Encoding': 'br' })
  write('a.txt', TEXT.toUpperCase(), MTIME_SECONDS + 5)
  await waiting
  clock.ms = 1_000
  const then = await later('/a.txt', { 'Accept-Encoding': 'br' })
  assert.equal(`${await decodedOf(then)}`, TEXT.toUpperCase())
})

test('a streamed file that becomes shorter breaks off, and does not end as if it were whole', async (t) => {
  const { ask, root } = shelf(t, { 'a.txt': textOf(500_000) }, { cacheFileBytesMax: 1_000 })
  const before = openDescriptors()
  const reply = ask('/a.txt', { 'Accept-Encoding': 'br' })
  truncateSync(join(root, 'a.txt'), 100_000)
  await assert.rejects(contentOf(reply), /the file ended after 100000 of 500000 bytes/)
  await descriptorsAre(before)
})

test('a client that leaves a stream frees its file and its place', async (t) => {
  const files = { 'a.txt': textOf(500_000), 'small.txt': textOf(1_500) }
  const { later, encoded } = shelf(t, files, { cacheFileBytesMax: 2_000, compressionsMax: 1 })
  const stream = async () => {
    for (;;) {
      const reply = atOnce(later('/a.txt', { 'Accept-Encoding': 'gzip' }))
      if (codingOf(reply) === 'gzip') return (reply.body as StreamBody).stream
      bytesOf(reply) // the place is given back a little later
      await new Promise(setImmediate)
    }
  }
  await encoded('/small.txt', 'gzip') // the thread pool has some descriptors of its own from here on
  const before = openDescriptors()
  for (let i = 0; i < 3; i++) {
    const reader = (await stream()).getReader()
    await reader.read()
    assert.equal(
      codingOf(closed(atOnce(later('/a.txt', { 'Accept-Encoding': 'gzip' })))),
      'plain',
      'the place is taken',
    )
    await reader.cancel(new DOMException('left', 'AbortError'))
    await (await stream()).cancel()
    await descriptorsAre(before)
  }
})

/** What is given back by the thread pool is given back a little later. */
async function descriptorsAre(count: number): Promise<void> {
  for (let turns = 0; turns < 100_000 && openDescriptors() !== count; turns++) await new Promise(setImmediate)
  assert.equal(openDescriptors(), count)
}

// ── neither ──────────────────────────────────────────────────────────────────

test('406 where nothing will do; rather small files compressed than that', async (t) => {
  const { ask, encoded, later } = shelf(t, { 'a.txt': 'small', 'b.txt': TEXT })
  const refused = ask('/a.txt', { 'Accept-Encoding': 'deflate, identity;q=0' })
  assert.deepEqual([refused.status, fieldsOf(refused).vary], [406, 'Accept-Encoding'])
  assert.equal(ask('/a.txt', { 'Accept-Encoding': '*;q=0' }, 'HEAD').status, 406)
  const ranged = await later('/b.txt', { 'Accept-Encoding': 'gzip, identity;q=0', Range: 'bytes=0-1' })
  assert.deepEqual([ranged.status, codingOf(ranged)], [200, 'gzip'])
  assert.equal(codingOf(await encoded('/b.txt', 'gzip, *;q=0')), 'gzip')
})

test('fields longer than any browser’s are understood, too, and remembered by nobody', (t) => {
  const { ask } = shelf(t, BUILT)
  const odd = Array.from({ length: 200 }, (_, i) => `x-${i}`).join(', ')
  for (let i = 0; i < 200; i++) ask('/app.js', { 'Accept-Encoding': `x-${i}, gzip` })
  assert.equal(codingOf(ask('/app.js', { 'Accept-Encoding': `${odd}, gzip` })), 'gzip')
})

// ── compressed in itself ─────────────────────────────────────────────────────

test('an .svgz is sent as it is, in gzip, whatever the client takes', async (t) => {
  const svgz = gzipSync(textOf(10_000))
  const files = { 'a.svgz': svgz, 'a.svgz.br': 'as br', 'a.svg': textOf(10_000), 'b.svgz': svgz }
  const { ask, later } = shelf(t, files)
  for (const codings of [ALL, 'gzip', 'br', 'identity', 'gzip;q=0', 'br, identity;q=0']) {
    const reply = await later('/a.svgz', { 'Accept-Encoding': codings })
    assert.equal(reply.status, 200)
    assert.deepEqual(await contentOf(reply), svgz)
    const { vary, etag, ...fields } = fieldsOf(reply)
    assert.deepEqual([fields['content-type'], fields['content-encoding']], ['image/svg+xml; charset=utf-8', 'gzip'])
    assert.deepEqual([vary, etag?.startsWith('"')], [undefined, true])
  }
  assert.equal(String(await decodedOf(ask('/a.svgz'))), textOf(10_000))
  assert.equal(ask('/a.svgz', { 'If-None-Match': fieldsOf(ask('/a.svgz')).etag! }).status, 304)
  const part = ask('/a.svgz', { Range: 'bytes=0-1' })
  assert.deepEqual([part.status, fieldsOf(part)['content-encoding'], bytesOf(part)], [206, 'gzip', svgz.subarray(0, 2)])
  assert.equal(
    ask('/a.svgz', { Range: 'bytes=0-1,900-901' }).status,
    200,
    'several parts of what is coded are the whole',
  )
  assert.equal(fieldsOf(await later('/a.svg', { 'Accept-Encoding': 'br' })).vary, 'Accept-Encoding')
})

test('what the operator calls text is compressed, and what he calls no text is not', async (t) => {
  const files = { 'a.shader': textOf(5_000), 'a.txt': textOf(5_000) }
  const { later } = shelf(t, files, { types: { shader: 'text/x-shader', '.TXT': 'application/x-own' } })
  const gzip = { 'Accept-Encoding': 'gzip' }
  const [shader, txt] = [await later('/a.shader', gzip), await later('/a.txt', gzip)]
  assert.deepEqual([fieldsOf(shader)['content-type'], codingOf(shader)], ['text/x-shader; charset=utf-8', 'gzip'])
  assert.deepEqual([fieldsOf(txt)['content-type'], codingOf(txt)], ['application/x-own', 'plain'])
})

/** Why a file was refused: what the log is told, and when. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { EMFILE } from '../../kernel/errno.ts'
import { Finder } from './find.ts'
import type { Root } from './open.ts'
import { atOnce, bytesOf, optionsOf, request, serving, siteOf } from './site.test.support.ts'
import { createStaticHandler } from './static.ts'

test('when descriptors run out, nothing stands in either: 503, and the log says it once', () => {
  const lines: string[] = []
  const root = { open: (name: string) => (name === 'index.html' ? assert.fail('looked further') : -EMFILE) }
  const options = optionsOf({ tryFiles: ['$path', '/index.html'] })
  const finder = new Finder(root as unknown as Root, options, { warn: (line) => void lines.push(line) })
  assert.deepEqual([finder.find('/a', false), finder.find('/b', false)], [503, 503])
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /no descriptor left to open a with \(EMFILE\)/)
})

test('at level debug it is told why a file was refused', (t) => {
  const told: string[] = []
  const { root } = serving(t, ['folder/', 'a.txt'])
  execFileSync('mkfifo', [join(root, 'pipe')])
  symlinkSync('/etc/passwd', join(root, 'out'))
  const log = { warn: () => {}, debug: (line: string) => void told.push(line) }
  const handler = createStaticHandler(siteOf(root), log)
  t.after(() => handler.close())
  for (const path of ['/a.txt', '/none', '/folder/', '/pipe', '/out', '/.env', '/%zz', '/a.txt/b']) {
    bytesOf(atOnce(handler(request('GET', path))))
  }
  assert.deepEqual(told, [
    '404 for GET /none for test: none: ENOENT',
    '404 for GET /folder/ for test: folder/index.html: ENOENT',
    '404 for GET /pipe for test: pipe: is no regular file',
    '404 for GET /out for test: out: EXDEV',
    '404 for GET /.env for test: /.env: is hidden',
    '400 for GET /%zz for test: /%zz: names nothing',
    '404 for GET /a.txt/b for test: a.txt/b: ENOTDIR',
  ])
})

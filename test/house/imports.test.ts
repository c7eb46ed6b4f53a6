import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cyclesAcrossFolders, deadFiles, ENTRIES, forbiddenImports, PACKAGES } from './imports.ts'
import { assertNone, file, read } from './tree.ts'

const sources = read(['src'], /\.ts$/)

test('nobody imports what the table does not allow', () => assertNone(forbiddenImports(sources)))
test('no import cycle crosses a folder', () => assertNone(cyclesAcrossFolders(sources)))
test('every file is led to from an entry', () => assertNone(deadFiles(sources)))

test('the tables speak of what exists', () => {
  const paths = sources.map((source) => source.path)
  for (const entry of ENTRIES) assert.ok(paths.includes(`src/${entry}`), `src/${entry} is gone: update ENTRIES`)
  for (const name of Object.keys(PACKAGES)) {
    const users = sources.filter((source) => new RegExp(`'${name}['/]`).test(source.text))
    assert.ok(users.length > 0, `nothing uses ${name}: remove it from PACKAGES, package.json and CONTRIBUTING.md`)
  }
})

/** A file, what it holds, and a word of the complaint; null where there is nothing to complain of. */
const JUDGED: readonly (readonly [string, string, RegExp | null])[] = [
  ['src/http/head.ts', "import { x } from './bytes.ts'", null],
  ['src/http/head.ts', "import { x } from '../net/inbox.ts'", /src\/http\/head\.ts:1 .*nothing of ours.*passed in/],
  ['src/http/head.ts', "import type { X } from '../config/options.ts'", /nothing of ours/],
  ['src/http/head.ts', "import { readFileSync } from 'node:fs'", /only node:buffer/],
  ['src/net/loop.ts', "import { x } from '../kernel/epoll.ts'", null],
  ['src/net/loop.ts', "\nimport { x } from '../http/head.ts'", /loop\.ts:2 imports http\/head\.ts/],
  ['src/handlers/static/open.ts', "import { openat2 } from '../../kernel/file.ts'", null],
  ['src/handlers/static/open.ts', "import { Page } from '../pages.ts'", null],
  [
    'src/handlers/static/open.ts',
    "import { x } from '../../kernel/socket.ts'",
    /may import http\/, config\/, log\.ts, /,
  ],
  ['src/handlers/hello.ts', "import { x } from '../kernel/file.ts'", /hello\.ts:1/],
  ['src/handlers/app/app.ts', "import { x } from '../../kernel/file.ts'", /app\.ts:1/],
  ['src/handlers/app/load-app.ts', "import { importModule } from '../../config/import-module.ts'", null],
  ['src/handlers/target.ts', "import { importModule } from '../config/import-module.ts'", /user code/],
  ['src/worker/main.ts', "await import('../config/import-module.ts')", /user code/],
  ['src/supervisor/serve.ts', "import { x } from '../worker/worker.ts'", /supervisor\/ may import kernel\//],
  ['src/supervisor/serve.ts', "import { x } from '../channel.ts'", null],
  ['src/worker/worker.ts', "import koffi from 'koffi'", /koffi, which is for kernel\/libc\.ts/],
  ['src/kernel/libc.ts', "import koffi from 'koffi'", null],
  ['src/kernel/socket.ts', "import koffi from 'koffi'", /koffi/],
  ['src/config/load.ts', "import _ from 'lodash'", /lodash, a package without a row/],
  ['src/admin/handler.ts', "import type { X } from './page/document.ts'", null],
  ['src/admin/handler.ts', "import { x } from './page/dom.ts'", /only admin\/page\/document\.ts is for others/],
  ['src/admin/page/page.ts', "import { x } from './dom.ts'", null],
  ['src/admin/page/page.ts', "import type { X } from '../../trace/story.ts'", null],
  ['src/admin/page/page.ts', "import { x } from '../metrics.ts'", /admin\/page\/ may import trace\/story\.ts/],
  ['src/admin/page/page.ts', "import { x } from 'node:fs'", /admin\/page\/ may take only/],
  ['src/new/thing.ts', "import { x } from '../kernel/fd.ts'", /no row in the import table/],
  ['src/main.ts', "import { x } from '../scripts/setup.mjs'", /outside src/],
  ['src/http/head.test.ts', "import { x } from '../net/inbox.ts'", null],
]

for (const [path, text, expected] of JUDGED) {
  test(`${path}: ${text.trim()} is ${expected === null ? 'allowed' : 'refused'}`, () => {
    const complaints = forbiddenImports([file(path, text)])
    if (expected === null) assertNone(complaints)
    else assert.match(complaints.join('\n'), expected)
  })
}

test('a cycle across folders is told at both ends, one within a folder is not', () => {
  const complaints = cyclesAcrossFolders([
    file('src/net/a.ts', "import '../kernel/b.ts'"),
    file('src/kernel/b.ts', "import './c.ts'"),
    file('src/kernel/c.ts', "import './b.ts'\nimport type { A } from '../net/a.ts'"),
    file('src/kernel/d.ts', "import './b.ts'"),
  ])
  assert.deepEqual(
    complaints.map((complaint) => complaint.split(',')[0]),
    ['src/net/a.ts imports kernel/b.ts', 'src/kernel/c.ts imports net/a.ts'],
  )
})

test('a file that only tests import is dead, the tests are not', () => {
  const complaints = deadFiles([
    file('src/main.ts', "import('./used.ts')"),
    file('src/used.ts', ''),
    file('src/unused.ts', ''),
    file('src/unused.test.ts', "import './unused.ts'"),
  ])
  assert.deepEqual(
    complaints.map((complaint) => complaint.split(' ')[0]),
    ['src/unused.ts'],
  )
})

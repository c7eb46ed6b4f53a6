/**
 * Which route a path leads to, and above all: that no way of writing a path leads
 * to an answer past the rule that guards it.
 */
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../../test/support/random.ts'
import { HostRoutes } from './host-routes.ts'
import { encodePath, meantPath } from './paths.ts'
import { Pattern, Template } from './pattern.ts'

interface Named {
  readonly name: string
  readonly pattern: Pattern
  readonly rewrite: Template | null
  readonly isLast: boolean
}

/** '/old/* → /new/$1' rewrites and goes on; '/docs/* = /$1' answers for another path; others answer as they are. */
function routesOf(...written: readonly string[]): HostRoutes<Named> {
  return new HostRoutes(
    [...written, '/*'].map((name) => {
      const [path, sign, to] = name.split(' ') as [string, string?, string?]
      return {
        name: path,
        pattern: new Pattern(path),
        rewrite: to === undefined ? null : new Template(to),
        isLast: sign !== '→',
      }
    }),
  )
}

/** '/admin/* /admin/x': the route, and the path that its handler is asked for. */
function found(routes: HostRoutes<Named>, raw: string): string {
  const route = routes.find(raw)
  return route === null ? '400' : `${route.name} ${routes.given ?? raw}`
}

const ADMIN = routesOf('/admin/*', '/exact')

const TABLE: readonly (readonly [raw: string, found: string])[] = [
  ['/admin/x', '/admin/* /admin/x'],
  ['/admin', '/admin/* /admin'],
  ['/admin/', '/admin/* /admin/'],
  ['/exact', '/exact /exact'],
  ['/exact/', '/* /exact/'],
  ['/', '/* /'],
  // the same path in other forms
  ['/%61dmin/x', '/admin/* /%61dmin/x'],
  ['/%61%64%6d%69%6E/x', '/admin/* /%61%64%6d%69%6E/x'],
  ['/api/../admin/x', '/admin/* /api/../admin/x'],
  ['/api/%2e%2e/admin', '/admin/* /api/%2e%2e/admin'],
  ['/api/.%2E/admin', '/admin/* /api/.%2E/admin'],
  ['/./admin', '/admin/* /./admin'],
  ['/admin/.', '/admin/* /admin/.'],
  ['/admin/x/..', '/admin/* /admin/x/..'],
  ['/admin/../x', '/* /admin/../x'],
  // segments that some see and others do not: given as meant
  ['//admin/x', '/admin/* /admin/x'],
  ['///admin', '/admin/* /admin'],
  ['/.//admin/x', '/admin/* /admin/x'],
  ['/api//../admin/x', '/admin/* /admin/x'],
  ['/admin//../x', '/* /x'],
  ['/x//../admin', '/admin/* /admin'],
  // the same route for everybody: given as sent
  ['/admin//x', '/admin/* /admin//x'],
  ['/files//a/https://b', '/* /files//a/https://b'],
  ['/x%2Fy', '/* /x%2Fy'],
  ['/admin/x%2Fy', '/admin/* /admin/x%2Fy'],
  ['/x\\y', '/* /x\\y'],
  // slashes that some see and others do not
  ['/admin%2Fx', '400'],
  ['/admin%2fx', '400'],
  ['/admin%5Cx', '400'],
  ['/admin\\x', '400'],
  ['/x/..%2Fadmin', '400'],
  ['/x%2F..%2Fadmin', '400'],
  ['/x%2F%2E%2E%2Fadmin', '400'],
  ['/x/..\\admin', '400'],
  ['/x\\..\\admin', '400'],
  ['/x/%5C..%5C../admin', '400'],
  ['/admin%2F..', '400'],
  ['/%2Fadmin', '400'],
  ['/%5Cadmin', '400'],
  ['/admin/..%2F', '400'],
  // names of their own
  ['/Admin/x', '/* /Admin/x'],
  ['/ADMIN', '/* /ADMIN'],
  ['/admin;x', '/* /admin;x'],
  ['/admin;/x', '/* /admin;/x'],
  ['/x/..;/admin', '/* /x/..;/admin'],
  ['/admin.', '/* /admin.'],
  ['/admin%20', '/* /admin%20'],
  ['/adminx', '/* /adminx'],
  ['/%2561dmin', '/* /%2561dmin'],
  ['/x/%252e%252e/admin', '/* /x/%252e%252e/admin'],
  ['/%EF%BC%A1dmin', '/* /%EF%BC%A1dmin'],
  ['/admin%E2%88%95x', '/* /admin%E2%88%95x'],
  // bytes that are no text stand for themselves, overlong slashes and dots among them
  ['/%ff', '/* /%ff'],
  ['/admin/%ff', '/admin/* /admin/%ff'],
  ['/%c0%afadmin', '/* /%c0%afadmin'],
  ['/admin%c0%af', '/* /admin%c0%af'],
  ['/x/%c0%ae%c0%ae/admin', '/* /x/%c0%ae%c0%ae/admin'],
  ['/%ed%a0%80', '/* /%ed%a0%80'],
  ['/admin/%FF%2F', '/admin/* /admin/%FF%2F'],
  ['/x//../admin/%80%EF%BC%8F', '/admin/* /admin/%80%EF%BC%8F'],
  // names nothing
  ['/../admin', '400'],
  ['/x/../../admin', '400'],
  ['/admin%', '400'],
  ['/%zz', '400'],
  ['/admin%00', '400'],
]

for (const [raw, route] of TABLE) test(`${raw} leads to ${route}`, () => assert.equal(found(ADMIN, raw), route))

const REWRITES: readonly (readonly [routes: readonly string[], raw: string, found: string])[] = [
  [['/old/* → /new/$1', '/new/*'], '/old/a', '/new/* /new/a'],
  [['/old/* → /new/$1', '/new/*'], '/old', '/new/* /new/'],
  [['/old/* → /new/$1', '/new/*'], '/old/%ED%95%9C%20b', '/new/* /new/%ED%95%9C%20b'],
  [['/old/* → /new/$1', '/new/*'], '/old/a%2Fb', '/new/* /new/a%2Fb'],
  [['/old/* → /new/$1', '/new/*'], '/old/a%3Fb', '/new/* /new/a%3Fb'],
  [['/old/* → /new/$1', '/new/*'], '/old//a', '/new/* /new/a'],
  [['/new/*', '/old/* → /new/$1'], '/old/a', '/* /new/a'], // only the routes below are asked
  [['/a → /b', '/b → /a'], '/a', '/* /a'],
  [['/b → /c', '/a → /b'], '/a', '/* /b'],
  [['/docs/* = /$1'], '/docs/a/b', '/docs/* /a/b'],
  [['/docs/* = /$1'], '/docs', '/docs/* /'],
  [['/x* = /$1'], '/x/etc', '/x* /etc'],
  [['/x* = /a$1/..'], '/x', '/x* /'],
  [['/x/*/* = /$2/$1'], '/x/a/b', '/x/*/* /b/a'],
  // a star cannot lead out of what is written, nor past a rule
  [['/x* → /$1', '/admin/*'], '/x/admin', '/admin/* /admin'],
  [['/x* → /p/.$1', '/admin/*'], '/x./admin', '/admin/* /admin'],
  [['/x* → /.$1'], '/x./a', '400'],
  [['/x/* → /$1', '/admin/*'], '/x/admin%2Fy', '400'],
  [['/x/* → /$1', '/admin/*'], '/x/%2e%2e%2fadmin', '400'],
]

for (const [written, raw, route] of REWRITES) {
  test(`with ${written.join(', ')}, ${raw} leads to ${route}`, () =>
    assert.equal(found(routesOf(...written), raw), route))
}

test('rewrites cannot make a path grow without bound', () => {
  const doubling = routesOf(...Array.from({ length: 30 }, () => '/* → /$1$1'))
  assert.equal(found(doubling, `/${'a'.repeat(8_000)}`), '400')
})

test('a path meant leads back to itself', () => {
  for (const raw of [
    '/',
    '/a%20b',
    '/a%2Fb',
    '/%25%32%35',
    '/a%3F%23',
    '/%F0%90%80%80/%F0%9F%98%80',
    '/a;b=c,d@e:f',
    '/%5C',
    '/[x]',
    '/%FF%2F%80/%ED%B0%AF',
  ]) {
    const meant = meantPath(raw)!
    assert.equal(meantPath(encodePath(meant)), meant)
    assert.equal(new URL(`http://a${encodePath(meant)}`).pathname, encodePath(meant))
  }
})

// ── everybody who reads a path ───────────────────────────────────────────────

/** How handlers may come to what they look up, from the path that they are given. */
const READERS: Readonly<Record<string, (given: string) => string>> = {
  'a file server': (given) => posix.normalize(decoded(given)),
  'an app': (given) => new URL(`http://a${given}`).pathname,
  'an app that decodes': (given) => decoded(new URL(`http://a${given}`).pathname),
  'an app that decodes before it parses': (given) =>
    new URL(`http://a${decoded(given).replace(/[?#]/g, '_')}`).pathname,
  'an app that joins paths': (given) => posix.normalize(decoded(new URL(`http://a${given}`).pathname)),
  'an app for Windows': (given) => posix.normalize(decoded(given).replaceAll('\\', '/')),
  'an app that makes slashes one': (given) => new URL(`http://a${given}`).pathname.replace(/\/+/g, '/'),
}

/** Whatever can be decoded, as bytes; what is no UTF-8 becomes U+FFFD. */
function decoded(path: string): string {
  const bytes = path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}

const PIECES = [
  '/',
  '/',
  '//',
  'admin',
  'public',
  'x',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '%2f',
  '%2F',
  '%5c',
  '\\',
  ';',
  '%61dmin',
  '%',
  '%25',
  'A',
  '%00',
  '%80',
  '%c0%af',
  '%c0%ae',
]

test('no reader gets past a guard, whatever is written', (t) => {
  const random = seededRandom(t)
  const guarded = routesOf('/admin/*') // all but this is open
  const open = routesOf('/public/*') // all but this is guarded
  const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`)
  let answered = 0
  for (let i = 0; i < 30_000; i++) {
    const raw = `/${Array.from({ length: 1 + random(8) }, () => PIECES[random(PIECES.length)]).join('')}`
    for (const routes of [guarded, open]) {
      const route = routes.find(raw)
      if (route === null) continue
      const isOpen = routes === guarded ? route.name === '/*' : route.name === '/public/*'
      if (!isOpen) continue
      answered += 1
      for (const [reader, read] of Object.entries(READERS)) {
        const path = read(routes.given ?? raw)
        const isLookedUp = routes === guarded ? isBelow(path, '/admin') : !isBelow(path, '/public')
        assert.ok(!isLookedUp, `${raw}: ${reader} was given ${routes.given ?? raw} and looks up ${path}`)
      }
    }
  }
  assert.ok(answered > 1_000, 'hardly any path was answered, so nothing was shown')
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkListen, resolveListen } from './listen.ts'
import { OperatorError } from './operator-error.ts'
import type { Listen, Options } from './options.ts'
import type { Setting } from './settings.ts'

const base = mkdtempSync(join(tmpdir(), 'prefork-listen-'))
after(() => rmSync(base, { recursive: true }))
writeFileSync(join(base, 'a-file'), '')

const nameInFile = (path: string) => `${path} in c.mjs`
const setting = (path: string, value: unknown): Setting => ({ value, name: nameInFile(path), base, isAsked: true })

/** What is listened on, or the sentence that says why not. */
async function listen(value: unknown, isSecure = false): Promise<readonly Listen[] | string> {
  try {
    checkListen({ listen: value } as Options, nameInFile)
    const defaults = { host: setting('host', '127.0.0.9'), backlog: 511, isSecure }
    return await resolveListen(setting('listen', value), defaults)
  } catch (error) {
    assert.ok(error instanceof OperatorError, String(error))
    return error.message
  }
}

const tcp = (host: string, port: number, backlog = 511): Listen =>
  ({ kind: 'tcp', host, family: host.includes(':') ? 6 : 4, port, backlog, isSecure: false }) as const
const unix = (path: string, more: object = {}): Listen =>
  ({ kind: 'unix', path, mode: 0o666, owner: null, group: null, backlog: 511, isSecure: false, ...more }) as const
const passed = (name: string): Listen => ({ kind: 'passed', name, backlog: 511, isSecure: false })

const UNDERSTOOD: readonly (readonly [written: unknown, ...found: Listen[]])[] = [
  ['127.0.0.1:8080', tcp('127.0.0.1', 8080)],
  [':80', tcp('0.0.0.0', 80)],
  [':0', tcp('0.0.0.0', 0)],
  ['[::1]:8080', tcp('::1', 8080)],
  ['[::]:65535', tcp('::', 65_535)],
  ['localhost:80', tcp('127.0.0.1', 80)],
  ['unix:/tmp/prefork-test.sock', unix('/tmp/prefork-test.sock')],
  ['unix:a.sock', unix(join(base, 'a.sock'))],
  ['unix:./@a', unix(join(base, '@a'))],
  [`unix:/tmp/${'x'.repeat(102)}`, unix(`/tmp/${'x'.repeat(102)}`)],
  ['fd:web', passed('web')],
  ['fd:my site.socket', passed('my site.socket')],
  ['http://:80', tcp('0.0.0.0', 80)],
  ['HTTP://[::1]:80', tcp('::1', 80)],
  [{ port: 80, tls: false }, tcp('127.0.0.9', 80)],
  [{ port: 80 }, tcp('127.0.0.9', 80)],
  [{ port: 80, host: undefined, backlog: undefined }, tcp('127.0.0.9', 80)],
  [{ host: '::1', port: 80, backlog: 7 }, tcp('::1', 80, 7)],
  [{ host: '[::1]', port: 80 }, tcp('::1', 80)],
  [{ path: 'a.sock', port: undefined }, unix(join(base, 'a.sock'))],
  [
    { path: 'a.sock', mode: 0o600, owner: 'www-data', group: 33, backlog: 9 },
    unix(join(base, 'a.sock'), { mode: 0o600, owner: 'www-data', group: 33, backlog: 9 }),
  ],
  [[':80', 'unix:a.sock', { port: 81 }], tcp('0.0.0.0', 80), unix(join(base, 'a.sock')), tcp('127.0.0.9', 81)],
  [['127.0.0.1:80', '127.0.0.1:81'], tcp('127.0.0.1', 80), tcp('127.0.0.1', 81)],
  [['127.0.0.1:0', '127.0.0.1:0'], tcp('127.0.0.1', 0), tcp('127.0.0.1', 0)],
]

for (const [written, ...found] of UNDERSTOOD) {
  test(`listen: ${JSON.stringify(written)}`, async () => assert.deepEqual(await listen(written), found))
}

const SECURE: readonly (readonly [written: unknown, isSecure: boolean])[] = [
  [':443', true],
  ['https://:443', true],
  ['HTTPS://localhost:443', true],
  ['http://:80', false],
  ['unix:a.sock', true],
  ['http://unix:a.sock', false],
  ['https://unix:a.sock', true],
  ['fd:web', true],
  ['http://fd:web', false],
  [{ port: 443 }, true],
  [{ port: 443, tls: undefined }, true],
  [{ port: 80, tls: false }, false],
  [{ path: 'a.sock', tls: false }, false],
]

for (const [written, isSecure] of SECURE) {
  test(`where there is a certificate, ${JSON.stringify(written)} ${isSecure ? 'speaks' : 'does not speak'} TLS`, async () => {
    assert.equal(((await listen(written, true)) as Listen[])[0]!.isSecure, isSecure)
  })
}

const PORT = 'must be a whole number from 0 to 65535'
const ABSTRACT =
  "must be the path of a socket (abstract names, '@…', have neither owner nor mode and are not supported)"
const MODE = 'must be a number from 0o0 to 0o777, in octal, such as 0o660'
const PASSED = 'needs the FileDescriptorName of a socket that systemd passes: ASCII, at most 255 letters, no colon'
const ALONE = (port: string) => `write ':${port}' for every IPv4 address, or '127.0.0.1:${port}' for this machine only`
const OTHER = "write one such as '127.0.0.1:8080', '[::1]:8080' or 'unix:/run/site.sock'"
const WITH_PATH =
  "has a path, or a scheme other than http and https; give host and port alone, such as '127.0.0.1:8080'"
const NO_CERTIFICATE = 'asks for TLS, but there is no certificate; give --tls-cert FILE and --tls-key FILE'
const LACKS_BRACKETS = "lacks brackets; an IPv6 address and its port are written '[::1]:8080'"

const REFUSED: readonly (readonly [written: unknown, sentence: string])[] = [
  ['8080', `'8080' is a port alone; ${ALONE('8080')}`],
  [8080, `8080 is a port alone; ${ALONE('8080')}`],
  ['127.0.0.1', "'127.0.0.1' has no port; write '127.0.0.1:8080'"],
  ['localhost', "'localhost' has no port; write 'localhost:8080'"],
  ['[::1]', "'[::1]' has no port; write '[::1]:8080'"],
  ['::1', `'::1' ${LACKS_BRACKETS}`],
  ['::1:8080', `'::1:8080' ${LACKS_BRACKETS}`],
  ['fe80::1:80', `'fe80::1:80' ${LACKS_BRACKETS}`],
  ['/run/a.sock', "'/run/a.sock' is a path; for a Unix socket, write 'unix:/run/a.sock'"],
  ['./a.sock', "'./a.sock' is a path; for a Unix socket, write 'unix:./a.sock'"],
  ['ftp://localhost:80', `'ftp://localhost:80' ${WITH_PATH}`],
  ['http://localhost:80/', `'http://localhost:80/' ${WITH_PATH}`],
  ['localhost:80/path', `'localhost:80/path' ${WITH_PATH}`],
  ['http://localhost', "'http://localhost' has no port; write 'http://localhost:8080'"],
  [
    'https://443',
    "'https://443' is a port alone; write 'https://:443' for every IPv4 address, or 'https://127.0.0.1:443' for this machine only",
  ],
  ['http:///run/a', "'http:///run/a' is a path; for a Unix socket, write 'http://unix:/run/a'"],
  ['https://:443', `'https://:443' ${NO_CERTIFICATE}`],
  ['https://unix:a.sock', `'https://unix:a.sock' ${NO_CERTIFICATE}`],
  [{ port: 443, tls: true }, `{ port: 443, tls: true } ${NO_CERTIFICATE}`],
  [{ path: 'a', tls: true }, `{ path: 'a', tls: true } ${NO_CERTIFICATE}`],
  [{ port: 443, tls: 'yes' }, "tls of { port: 443, tls: 'yes' } must be true or false, not 'yes'"],
  ['localhost:http', `'localhost:http' is no address; ${OTHER}`],
  ['localhost:', `'localhost:' is no address; ${OTHER}`],
  ['', `'' is no address; ${OTHER}`],
  [':', `':' is no address; ${OTHER}`],
  [null, `null is no address; ${OTHER}`],
  [true, `true is no address; ${OTHER}`],
  ['a:65536', `port of 'a:65536' ${PORT}, not 65536`],
  ['*:80', "the host of '*:80' is '*': to listen on every address, give 0.0.0.0 (IPv4) or :: (IPv6)"],
  [
    '[fe80::1%lo]:80',
    "the host of '[fe80::1%lo]:80' is 'fe80::1%lo': an IPv6 zone is not supported; give an address without one, or :: for all",
  ],
  ['unix:', `path of 'unix:' ${ABSTRACT}, not ''`],
  ['unix:@a', `path of 'unix:@a' ${ABSTRACT}, not '@a'`],
  ['unix:a\0b', `path of 'unix:a\\u0000b' ${ABSTRACT}, not 'a\\u0000b'`],
  ['unix:no/a.sock', "the path of 'unix:no/a.sock' is 'no/a.sock', whose directory does not exist; create it first"],
  ['unix:a-file', "the path of 'unix:a-file' is 'a-file', which is there and is no socket; choose another path"],
  ['unix:.', "the path of 'unix:.' is '.', which is there and is no socket; choose another path"],
  ['fd:', `'fd:' ${PASSED}`],
  ['fd:a:b', `'fd:a:b' ${PASSED}`],
  ['fd:ü', `'fd:ü' ${PASSED}`],
  [{}, '{} has neither port nor path; give one of them'],
  [{ host: '::1' }, "{ host: '::1' } has neither port nor path; give one of them"],
  [{ port: 80, path: 'a' }, "{ port: 80, path: 'a' } has both port and path; make two addresses of it"],
  [{ port: '80' }, `port of { port: '80' } ${PORT}, not '80'`],
  [{ port: 80.5 }, `port of { port: 80.5 } ${PORT}, not 80.5`],
  [{ port: 80, hots: 'a' }, "{ port: 80, hots: 'a' } has an unknown key 'hots'; did you mean 'host'?"],
  [
    { port: 80, constructor: 1 },
    "{ port: 80, constructor: 1 } has an unknown key 'constructor'; it may have host, port, backlog, tls",
  ],
  [
    { port: 80, mode: 0o600 },
    "{ port: 80, mode: 384 } has an unknown key 'mode'; it may have host, port, backlog, tls",
  ],
  [
    { port: 80, host: 'a:80' },
    "host of { port: 80, host: 'a:80' } must be an IP address or a host name, without its port, not 'a:80'",
  ],
  [
    { port: 80, host: '' },
    "host of { port: 80, host: '' } must be an IP address or a host name, without its port, not ''",
  ],
  [{ port: 80, backlog: 0 }, 'backlog of { port: 80, backlog: 0 } must be a whole number from 1 to 65535, not 0'],
  [{ path: 'a', mode: 660 }, `mode of { path: 'a', mode: 660 } ${MODE}, not 660`],
  [{ path: 'a', mode: '0660' }, `mode of { path: 'a', mode: '0660' } ${MODE}, not '0660'`],
  [{ path: 'a', mode: -1 }, `mode of { path: 'a', mode: -1 } ${MODE}, not -1`],
  [{ path: 'a', owner: -1 }, "owner of { path: 'a', owner: -1 } must be the name or number of a user, not -1"],
  [{ path: 'a', group: '' }, "group of { path: 'a', group: '' } must be the name or number of a group, not ''"],
  [{ path: 3 }, `path of { path: 3 } ${ABSTRACT}, not 3`],
  [
    { path: 'a', sise: 1 },
    "{ path: 'a', sise: 1 } has an unknown key 'sise'; it may have path, mode, owner, group, backlog, tls",
  ],
  [() => ':80', `a function is no address; ${OTHER}`],
  [[[':80']], "[ ':80' ] is a list in a list; give one list of addresses"],
]

for (const [written, sentence] of REFUSED) {
  test(`refused: ${sentence}`, async () => assert.equal(await listen(written), `listen in c.mjs: ${sentence}`))
}

const NOT_TOGETHER: readonly (readonly [written: unknown, sentence: string])[] = [
  [[], 'listen in c.mjs is an empty list; give an address, or leave it out'],
  [['127.0.0.1:80', 'localhost:80'], 'listen in c.mjs has 127.0.0.1:80 twice; remove one of them'],
  [['[::1]:80', '[0:0::1]:80'], 'listen in c.mjs has [::1]:80 twice; remove one of them'],
  [['unix:a', { path: './a' }], `listen in c.mjs has unix:${join(base, 'a')} twice; remove one of them`],
  [['http://:80', ':80'], 'listen in c.mjs has 0.0.0.0:80 twice; remove one of them'],
  [['fd:a', 'fd:a'], 'listen in c.mjs has fd:a twice; remove one of them'],
]

for (const [written, sentence] of NOT_TOGETHER) {
  test(`refused: ${sentence}`, async () => assert.equal(await listen(written), sentence))
}

// 108 with the NUL that ends it: struct sockaddr_un. Letters of two bytes count twice.
test('a socket whose path does not fit is refused with its length', async () => {
  for (const path of [`/tmp/${'x'.repeat(103)}`, `/tmp/${'ü'.repeat(51)}x`]) {
    const sentence = await listen(`unix:${path}`)
    assert.match(
      String(sentence),
      /, 108 bytes long in full, and a socket's path has 107 at most; choose a shorter one$/,
    )
  }
})

// RFC 6761 §6.4: no resolver may ever find an address for .invalid.
test('a name without an address is refused with the address it stands in', async () => {
  assert.match(
    String(await listen('prefork.invalid:80')),
    /^listen in c\.mjs: the host of 'prefork\.invalid:80' is 'prefork\.invalid', which has no address \(\w+\); give /,
  )
})

test('one source may not say where to listen in two ways', () => {
  for (const path of ['host', 'port'] as const) {
    const options = { listen: ':80', [path]: path === 'port' ? 80 : '::1' } as Options
    const message = `listen in c.mjs stands in place of ${path} in c.mjs; give one of the two`
    assert.throws(() => checkListen(options, nameInFile), { name: 'OperatorError', message })
  }
})

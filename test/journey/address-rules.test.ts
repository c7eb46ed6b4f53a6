/** Who may ask, by address: clients of IPv4, IPv6 and Unix sockets, each on one server. */
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { curl, unless } from '../support/curl.ts'
import { type Server, startServer } from '../support/server.ts'

const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))

const route = (path: string, more: object) => ({ path, respond: { status: 200, body: 'let in' }, ...more })

const CONFIG = {
  workers: 1,
  allow: ['127.0.0.0/8', 'unix:'],
  hosts: {
    '*': {
      routes: [
        route('/one', { allow: ['127.0.0.1'] }),
        route('/all', { allow: ['all'] }),
        route('/not-two', { deny: ['127.0.0.2'] }),
        route('/six', { allow: ['::1'] }),
        route('/socket', { allow: ['unix:'] }),
        route('/nobody', { deny: ['all'] }),
        route('/*', {}),
      ],
    },
  },
}

/** What each client is let in to. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  '127.0.0.1': ['/one', '/all', '/not-two', '/'],
  '127.0.0.2': ['/all', '/'],
  '::1': ['/all', '/not-two', '/six'],
  unix: ['/all', '/not-two', '/socket', '/'],
}

const PATHS = ['/one', '/all', '/not-two', '/six', '/socket', '/nobody', '/']

/** How curl becomes this client. */
function waysOf(server: Server, client: string, path: string): string[] {
  const at = (host: string) => `http://${host}:${server.port}${path}`
  if (client === 'unix') return ['--unix-socket', join(server.cwd, 'a.sock'), `http://any${path}`]
  return client === '::1' ? [at('[::1]')] : ['--interface', client, at('127.0.0.1')]
}

const withCurl = { skip: unless('curl') }

/** With `::` taking both, clients of IPv4 come with addresses of IPv6; without, as they are. */
for (const [name, listen, clients] of [
  ['one listener for both families', '[::]:0', ['127.0.0.1', '127.0.0.2', '::1', 'unix']],
  ['a listener of IPv4', '127.0.0.1:0', ['127.0.0.1', '127.0.0.2', 'unix']],
] as const) {
  const skip = withCurl.skip || (listen.startsWith('[') && !hasIPv6 && 'this machine has no IPv6')
  test(`allow and deny: ${name}`, { skip }, async (t) => {
    const config = { ...CONFIG, listen: [listen, 'unix:a.sock'], socket: { ipv6Only: false } }
    const files = { 'prefork.config.mjs': `export default ${JSON.stringify(config)}` }
    const server = await startServer(t, { files, anyPort: false })
    for (const client of clients) {
      for (const path of PATHS) {
        const { status, text } = await curl(waysOf(server, client, path))
        const isLetIn = TABLE[client]!.includes(path)
        assert.equal(`${client} ${path} ${status}`, `${client} ${path} ${isLetIn ? 200 : 403}`)
        assert.match(text, isLetIn ? /^let in$/ : /<title>403 Forbidden<\/title>/)
      }
    }
  })
}

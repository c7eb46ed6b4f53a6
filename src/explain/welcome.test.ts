import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Listen, TcpListen, UnixListen } from '../config/options.ts'
import { welcome } from './welcome.ts'

const TCP: TcpListen = { kind: 'tcp', host: '127.0.0.1', family: 4, port: 8080, backlog: 511, isSecure: false }
const UNIX: UnixListen = {
  kind: 'unix',
  path: '/run/a.sock',
  mode: 0o666,
  owner: null,
  group: null,
  backlog: 511,
  isSecure: false,
}

const COMMANDS: readonly (readonly [listen: Listen, command: string])[] = [
  [TCP, 'curl http://127.0.0.1:8080/'],
  [{ ...TCP, host: '::1', family: 6 }, 'curl http://[::1]:8080/'],
  [{ ...TCP, host: '0.0.0.0' }, 'curl http://127.0.0.1:8080/'],
  [{ ...TCP, host: '::', family: 6 }, 'curl http://[::1]:8080/'],
  [{ ...TCP, port: 0 }, 'curl http://… (the address comes after "Server listening on")'],
  [UNIX, 'curl --unix-socket /run/a.sock http://localhost/'],
  [{ ...TCP, isSecure: true }, 'curl https://127.0.0.1:8080/'],
  [{ ...TCP, port: 0, isSecure: true }, 'curl https://… (the address comes after "Server listening on")'],
  [{ ...UNIX, isSecure: true }, 'curl --unix-socket /run/a.sock https://localhost/'],
]

for (const [listen, command] of COMMANDS) {
  test(`it says how to be a client: ${command}`, () => {
    assert.ok(welcome({ listen: [listen], model: 'event' }, false).includes(`    ${command}`))
  })
}

test('no line passes 80 columns, whatever is asked for', () => {
  for (const model of ['event', 'prefork', 'fork'] as const) {
    for (const isAll of [false, true]) {
      const lines = welcome({ listen: [TCP], model }, isAll)
      assert.deepEqual(
        lines.filter((line) => line.length > 80),
        [],
      )
    }
  }
})

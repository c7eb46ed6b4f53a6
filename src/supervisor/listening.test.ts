/** What the workers of a generation are told of its listeners. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Config, Listen, TlsConfig } from '../config/options.ts'
import { openListeners } from './listeners.ts'
import { configOf, folderOf, tcp, unix } from './listening.test.support.ts'
import { Listening } from './listening.ts'
import { createGeneration } from './roster.ts'

const TLS = { redirect: true, redirectPort: 'auto' } as TlsConfig
const secure = <L extends Listen>(listen: L): L => ({ ...listen, isSecure: true })

function listeningFor(t: TestContext, config: Config): Listening {
  const listening = new Listening(openListeners(config, 1))
  t.after(() => listening.close(false))
  return listening
}

test('a worker is told of each listener whether it speaks TLS, however connections come to it', (t) => {
  const config = configOf({ listen: [tcp(), secure(tcp()), secure(unix(join(folderOf(t), 's')))] })
  const listening = listeningFor(t, config)
  const generation = createGeneration(1, config)
  for (const told of [listening.socketsFor(generation, 0), listening.allSocketsFor(generation)]) {
    assert.deepEqual(
      told.map(({ isSecure }) => isSecure),
      [false, true, true],
    )
  }
})

test('an address that begins to speak TLS keeps its socket; the old workers go on as they were', (t) => {
  const before = configOf({ listen: [tcp()] })
  const listening = listeningFor(t, before)
  const old = createGeneration(1, before)
  const { fd, authority } = listening.socketsFor(old, 0)[0]!
  const after = configOf({ listen: [secure(tcp(portOf(authority)))] })
  const next = createGeneration(2, after)
  assert.equal(listening.open(next), null)
  assert.deepEqual(listening.socketsFor(old, 0), [{ fd, authority, isSecure: false }])
  assert.deepEqual(listening.socketsFor(next, 0), [{ fd, authority, isSecure: true }])
  listening.closeOthers(next)
  assert.deepEqual(listening.allSocketsFor(next), [{ fd, authority, isSecure: true }])
})

test('clients without TLS are sent to the port asked for, or to the first with TLS', (t) => {
  const listen = [tcp(), secure(unix(join(folderOf(t), 's'))), secure(tcp()), secure(tcp())]
  const listening = listeningFor(t, configOf({ listen }))
  const portFor = (tls: TlsConfig | null) => listening.redirectPortOf(createGeneration(1, configOf({ listen, tls })))
  assert.equal(portFor(TLS), portOf(listening.listeners[2]!.authority))
  assert.equal(portFor({ ...TLS, redirectPort: 443 }), 443)
  assert.equal(portFor({ ...TLS, redirect: false }), null)
  assert.equal(portFor(null), null)
})

test('where only Unix sockets have TLS, the port is the one that goes without saying', (t) => {
  const config = configOf({ listen: [tcp(), secure(unix(join(folderOf(t), 's')))], tls: TLS })
  assert.equal(listeningFor(t, config).redirectPortOf(createGeneration(1, config)), 443)
})

function portOf(authority: string): number {
  return Number(authority.split(':').at(-1))
}

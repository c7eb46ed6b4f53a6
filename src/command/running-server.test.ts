import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { StartedAs } from '../control/tree-status.ts'
import { closeControlSocket, openControlSocket } from '../supervisor/control-socket.ts'
import { folderOf, type Script, startPretendServer, statusWith } from './pretend-server.test.support.ts'
import { RunningServer, type Wanted } from './running-server.ts'

const HERE = '127.0.0.1:8080'
const ADMIN = '127.0.0.1:9180'

const telling = (status: object): Script => ({
  status: [{ type: 'status', status: { ...statusWith(HERE), ...status } }],
})

const UNKNOWN = 'Whether a running server of yours has it is not known: '
const STARTED: StartedAs = { words: [], folder: '/srv', configFile: null, uid: 0 }
const WANTED: Wanted = { control: 'auto', pidFile: null, isStartedAlike: () => true }

/** One in a directory of its own, which answers by the script. */
async function running(t: TestContext, script: Script, isStartedAlike = () => true): Promise<RunningServer> {
  const folder = folderOf(t)
  await startPretendServer(t, join(folder, '1.sock'), script)
  return new RunningServer({ ...WANTED, isStartedAlike }, [folder])
}

test('an address is its own, or is not; where it tells of itself it does not listen', async (t) => {
  const server = await running(t, telling({ admin: ADMIN }))
  const at = (address: string) => [server.listeningAt(address), server.tellingAt(address)]
  assert.deepEqual(at(HERE), [4241, null])
  assert.deepEqual(at(ADMIN), [null, 4241])
  assert.deepEqual(at('127.0.0.1:80'), [null, null])
  assert.equal(server.doubt, null)
})

test('one of an earlier version does not say what a reload of it would read', async (t) => {
  const server = await running(t, telling({ startedAs: undefined }))
  assert.deepEqual(
    [server.listeningAt(HERE), server.doubt],
    [null, `${UNKNOWN}that with pid 4241 is of an earlier version`],
  )
})

test('one that was started otherwise is somebody else, and how it was is told', async (t) => {
  const words = ['./app.ts', '--port', '80']
  const server = await running(t, telling({ startedAs: { ...STARTED, words } }), () => false)
  assert.equal(server.listeningAt(HERE), null)
  const how = "by 'prefork ./app.ts --port 80' in '/srv'"
  assert.equal(
    server.doubt,
    `A server of yours that runs (pid 4241) was started otherwise, ${how}, and a reload goes by that`,
  )
})

test('one that does not tell is as if it were not there, and that is told', async (t) => {
  const server = await running(t, { status: [{ type: 'failed', message: 'not now' }] })
  assert.deepEqual([server.listeningAt(HERE), server.doubt], [null, `${UNKNOWN}not now`])
})

test('it is asked once, and not before it has to be', (t) => {
  const path = join(folderOf(t), 'control')
  const server = new RunningServer({ ...WANTED, control: path, pidFile: null }, [])
  assert.equal(server.doubt, null)
  assert.equal(server.listeningAt(HERE), null)
  const socket = openControlSocket(path, false)
  t.after(() => closeControlSocket(socket))
  assert.equal(server.listeningAt(HERE), null, 'it does not wait for one that came later')
})

test('of several none is meant until one is named', async (t) => {
  const folder = folderOf(t)
  for (const name of ['1.sock', '2.sock']) await startPretendServer(t, join(folder, name), telling({}))
  const none = new RunningServer(WANTED, [folder])
  assert.equal(none.listeningAt(HERE), null)
  assert.equal(none.doubt, `${UNKNOWN}2 of them are running; name it with --control PATH`)
  const named = new RunningServer({ ...WANTED, control: join(folder, '2.sock'), pidFile: null }, [folder])
  assert.equal(named.listeningAt(HERE), 4241)
})

test('where there is nothing to be said of a server, nothing is said', (t) => {
  const folder = folderOf(t)
  const doubtOf = (control: string | null, pidFile: string | null) => {
    const server = new RunningServer({ ...WANTED, control, pidFile }, [folder])
    assert.equal(server.listeningAt(HERE), null)
    return server.doubt
  }
  for (const control of [null, 'auto', 'off', join(folder, 'no')]) assert.equal(doubtOf(control, null), null)
  assert.equal(doubtOf(null, join(folder, 'no.pid')), null)
  writeFileSync(join(folder, 'x'), 'x')
  assert.match(doubtOf(join(folder, 'x'), null)!, /it is no socket/)
  assert.match(doubtOf('auto', join(folder, 'x'))!, /holds 'x', which is no process id/)
})

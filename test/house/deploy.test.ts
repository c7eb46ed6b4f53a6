/**
 * The files in deploy/, held against what the command understands and promises.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseCommandLine } from '../../src/config/command-line.ts'
import type { Options } from '../../src/config/options.ts'
import { OPTION_TABLE } from '../../src/config/table.ts'
import { MARGIN_MS } from '../../src/supervisor/deadlines.ts'
import { folderOf, PREFORK } from '../support/server.ts'

const service = read('prefork.service')
const socketUnit = read('prefork.socket')
const dockerfile = read('Dockerfile')

/** A stop that has to kill. */
const stopMs = (OPTION_TABLE['timeouts.stopMs'].default as number) + MARGIN_MS

function read(name: string): string {
  return readFileSync(join('deploy', name), 'utf8')
}

/** The value of a unit's setting. */
function setting(unit: string, name: string): string {
  const [, value] = new RegExp(`^${name}=(.*)$`, 'm').exec(unit) ?? []
  assert.ok(value !== undefined, `there is no ${name}=`)
  return value
}

/** The flags of a command of the unit, which must be prefork's. */
function flagsOf(name: string): Options {
  const [program, ...words] = setting(service, name).split(' ')
  assert.equal(program, '/usr/local/bin/prefork')
  return parseCommandLine(words).flags
}

/** The words of an instruction in the form that needs no shell. */
function words(instruction: string): string[] {
  const [, list] = new RegExp(`^(?:${instruction}) (\\[.*\\])$`, 'm').exec(dockerfile) ?? []
  assert.ok(list !== undefined, `there is no ${instruction} [...]`)
  return JSON.parse(list) as string[]
}

test('the service starts, and reloads the server that it has started', () => {
  const started = parseCommandLine(setting(service, 'ExecStart').split(' ').slice(1))
  assert.equal(started.command, 'serve')
  assert.equal(started.target, 'app.ts')
  assert.match(setting(service, 'ExecReload'), /^\S+ reload /)
  const { control } = flagsOf('ExecStart')
  assert.deepEqual(flagsOf('ExecReload'), { control })
  assert.ok(control!.startsWith(`/run/${setting(service, 'RuntimeDirectory')}/`))
})

test('the service lets a stop take its time, and does not repeat a start that cannot succeed', () => {
  assert.ok(Number(setting(service, 'TimeoutStopSec')) * 1000 > stopMs)
  assert.equal(setting(service, 'KillMode'), 'mixed')
  assert.equal(setting(service, 'RestartPreventExitStatus'), '1')
})

test('the socket is passed under a name that listen may say', () => {
  const name = setting(socketUnit, 'FileDescriptorName')
  assert.ok(socketUnit.includes(`'fd:${name}'`), 'its comment names it')
  assert.doesNotMatch(name, /[\s:]/)
  assert.doesNotMatch(socketUnit, /^Accept=yes/m)
})

test('systemd finds no fault with either unit', (t) => {
  const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0
  if (!hasAnalyze) return t.skip('systemd-analyze is not installed')
  const folder = folderOf(t)
  const here = service.replaceAll('/usr/local/bin/prefork', PREFORK).replaceAll('/srv/app', folder)
  const units = { 'prefork.service': here, 'prefork.socket': socketUnit }
  for (const [name, text] of Object.entries(units)) writeFileSync(join(folder, name), text)
  const paths = Object.keys(units).map((name) => join(folder, name))
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], {
    encoding: 'utf8',
  })
  // It also speaks of units that the machine has; ours are in our folder.
  const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('prefork'))
  assert.deepEqual(complaints, [])
  assert.equal(status, 0)
})

test('the image runs the command as process 1, as a user of its own', () => {
  assert.deepEqual(words('ENTRYPOINT'), ['node_modules/.bin/prefork'])
  const { command, target } = parseCommandLine(words('CMD'))
  assert.deepEqual([command, target], ['serve', 'app.ts'])
  assert.match(dockerfile, /^USER node$/m)
  assert.match(dockerfile, /^STOPSIGNAL SIGTERM$/m)
  assert.ok(stopMs <= 8_000, 'docker stop waits 10 seconds, and the machine may be busy')
})

test('the image asks for its health where the command answers, on the port that it exposes', () => {
  const { flags } = parseCommandLine(words('CMD'))
  const [program, ...script] = words('HEALTHCHECK .* CMD')
  assert.equal(program, 'node')
  assert.ok(script[1]!.includes(`}${flags.readyPath}\``), script[1])
  const port = OPTION_TABLE.port.default
  assert.ok(script[1]!.includes(`|| ${port}}`))
  assert.match(dockerfile, new RegExp(`^EXPOSE ${port}$`, 'm'))
  assert.equal(spawnSync(process.execPath, ['--check', '-'], { input: script[1] }).status, 0)
})

test('the image has a Node that the package runs on', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } }
  const least = Number(/\d+/.exec(engines.node)![0])
  const bases = [...dockerfile.matchAll(/^FROM node:(\d+)-/gm)].map(([, version]) => Number(version))
  assert.equal(bases.length, 2)
  assert.ok(bases.every((version) => version >= least && version === bases[0]))
})

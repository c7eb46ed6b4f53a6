/** What peers are made of: Debian's packages, and a folder of npm packages that is not the project's own. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../../.peers/', import.meta.url))

/** The file that the package brings, `program`, is there when this returns. */
export function needsPackage(name, program) {
  if (existsSync(program)) return
  // Its services are not to be started: policy-rc.d, of which Debian's scripts ask, is not there in every container.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const told = ['update', 'install'].map((verb) => {
    const args = verb === 'install' ? [verb, '--yes', '--no-install-recommends', name] : [verb]
    return spawnSync('apt-get', ['--quiet=2', ...args], { env, encoding: 'utf8' })
  })
  if (!existsSync(program)) throw new Error(`${name} is not installed, and cannot be: ${told[1].stderr.trim()}`)
}

/** The folder in which npm has put the package. None of its install scripts is run. */
export function npmFolder(name, version = 'latest') {
  const home = join(FOLDER, name.replaceAll(/[@/]/g, '_'))
  const folder = join(home, 'node_modules', name)
  if (existsSync(join(folder, 'package.json'))) return folder
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n')
  run(home, [
    'npm',
    'install',
    '--ignore-scripts',
    '--engine-strict=false',
    '--no-audit',
    '--no-fund',
    `${name}@${version}`,
  ])
  return folder
}

/** The newest even release at the time; what runs fastest is what is compared. */
export const NEWEST_NODE = '26'

/** Its binary, which the npm package leaves to its install script: that is run by name. */
export function newestNode() {
  const folder = npmFolder('node', NEWEST_NODE)
  const binary = join(folder, 'bin/node')
  if (!existsSync(binary)) run(folder, [process.execPath, 'installArchSpecificPackage'])
  return binary
}

function run(cwd, [command, ...args]) {
  const isOurs = (name) => /^npm_(package|lifecycle|config_local_prefix|config_prefix)/.test(name)
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
  const { status, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr}`)
}

/**
 * Servers in JavaScript, from npm, each with a program of its own in apps/ that does
 * the same: hello as text, JSON of the request, and files where there is a way of
 * its own for them.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newestNode, npmFolder } from './packages.mjs'

const bunBinary = () => join(npmFolder('@oven/bun-linux-x64'), 'bin/bun')
const denoBinary = () => join(npmFolder('@deno/linux-x64-glibc'), 'deno')
const app = (name) => fileURLToPath(new URL(`apps/${name}`, import.meta.url))

export const bun = speaksTls(peer('Bun', ['hello', 'json', 'file'], bunBinary, () => [app('bun.mjs')]))
export const bunRoutes = peer('Bun, its routes', ['hello'], bunBinary, () => [app('bun-routes.mjs')])
export const deno = speaksTls(
  peer('Deno', ['hello', 'json'], denoBinary, () => ['run', '--allow-all', app('deno.mjs')]),
)
export const node = speaksTls(peer('Node, http', ['hello', 'json', 'file'], newestNode, () => [app('node.mjs')]))
export const nodeCluster = peer('Node, cluster', ['hello'], newestNode, () => [app('node-cluster.mjs')])
export const fastify = framework('Fastify', 'fastify.mjs', ['fastify'])
export const hono = framework('Hono on Node', 'hono.mjs', ['@hono/node-server', 'hono'])

/** Its program takes a certificate and its key as last arguments. */
function speaksTls(peer) {
  const command = ({ tls, ...place }) => [...peer.command(place), ...(tls === null ? [] : [tls.cert, tls.key])]
  return { ...peer, canTls: true, command }
}

function framework(title, program, packages) {
  const args = () => [app(program), ...packages.map((name) => npmFolder(name))]
  const version = () => `${packages.map(packageVersion).join(' and ')} on ${node.version()}`
  return { ...peer(title, ['json'], newestNode, args), version }
}

function packageVersion(name) {
  return `${name} ${JSON.parse(readFileSync(join(npmFolder(name), 'package.json'), 'utf8')).version}`
}

function peer(title, can, binary, args) {
  return {
    title,
    can,
    prepare() {
      binary()
      args()
    },
    version() {
      const [line] = spawnSync(binary(), ['--version'], { encoding: 'utf8' }).stdout.split('\n')
      return `${title.split(',')[0]} ${/\d+(?:\.\d+)+/.exec(line)[0]}`
    },
    command: ({ site, port, workers }) => [binary(), ...args(), port, site, workers].map(String),
  }
}

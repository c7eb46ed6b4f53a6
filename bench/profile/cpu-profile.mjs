/**
 * V8's own profile of a worker: which functions, with file and line, for Chrome's
 * developer tools or any other reader of .cpuprofile files.
 *
 * V8's profiler has a thread, and a fork takes none along; so the worker that is
 * looked at is one that was started by exec (`spawn: 'exec'`). It is the same code,
 * but V8 compiles beside it, in threads of its own, which a forked worker has not.
 */
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { load } from './worker.mjs'

const PRELOAD = fileURLToPath(new URL('preload.mjs', import.meta.url))
const KERNEL = fileURLToPath(new URL('../../src/kernel', import.meta.url))
export const NODE_FLAGS = ['--import', PRELOAD]
/** In the environment: where the worker is told to begin and to end. */
export const SOCKET = 'PREFORK_PROFILE_SOCKET'

/** Writes the profile; answers the functions in which most time was spent: [share, name], the largest first. */
export async function cpuProfileOf(program, socketPath, workload, seconds, file) {
  const socket = connect({ path: socketPath, allowHalfOpen: true })
  await once(socket, 'connect')
  await load(program, workload, seconds)
  socket.end()
  const profile = JSON.parse(await text(socket))
  writeFileSync(file, JSON.stringify(profile))
  return sharesOf(profile)
}

/** Of the time that was not spent waiting. */
export function sharesOf({ nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map()
  samples.forEach((id, i) => {
    const name = names.get(id)
    times.set(name, (times.get(name) ?? 0) + timeDeltas[i])
  })
  times.delete('(idle)')
  const whole = [...times.values()].reduce((sum, it) => sum + it, 0)
  return [...times].map(([name, time]) => [time / whole, name]).sort((a, b) => b[0] - a[0])
}

/** The profiler knows all foreign functions by the name of one of them, for they share the code that calls C. */
const FOREIGN_NAMES = new Set(
  filesIn(KERNEL).flatMap((source) => [...source.matchAll(/\bbind\w*\('(\w+)'/g)].map(([, name]) => name)),
)

function filesIn(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  return names.map((name) => readFileSync(join(folder, name), 'utf8'))
}

function nameOf({ functionName, url, lineNumber }) {
  if (url === '') return FOREIGN_NAMES.has(functionName) ? '(foreign functions)' : functionName
  return `${functionName || '(anonymous)'} ${url.replace(/^.*\/dist\/src\//, '')}:${lineNumber + 1}`
}

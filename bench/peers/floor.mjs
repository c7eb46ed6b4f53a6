/** The floor: floor.c, which does the system calls and nothing else. What is below its figures is the kernel's. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('floor.c', import.meta.url))
const FOLDER = fileURLToPath(new URL('../../.peers/', import.meta.url))
const PROGRAM = join(FOLDER, 'floor')

export const floor = peer('bare C, epoll', ['hello', 'file'], 'epoll')
export const floorFork = peer('bare C, fork', ['hello'], 'fork')

function peer(title, can, model) {
  return {
    title,
    can,
    prepare() {
      mkdirSync(FOLDER, { recursive: true })
      const { status, stderr, error } = spawnSync('gcc', ['-O2', '-Wall', '-o', PROGRAM, SOURCE], { encoding: 'utf8' })
      if (status !== 0) throw new Error(`floor.c does not compile: ${error?.message ?? stderr}`)
    },
    version: () => spawnSync('gcc', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0],
    command: ({ site, port }) => [PROGRAM, model, String(port), site],
  }
}

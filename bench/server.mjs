/**
 * A server to be measured: `bin/prefork`, started as an operator starts it, asked
 * by `prefork status`, and ended by its pid.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PREFORK = fileURLToPath(new URL('../bin/prefork', import.meta.url))
/** Longer than the burst of any load here, so that what is measured is not an overflowing queue. */
const BACKLOG = 2048
/** For a start, for connections to be closed, for an end. */
const PATIENCE_MS = 30_000
const LOOK_AGAIN_MS = 50

/** Started and not yet ended: whoever is interrupted ends them. */
const running = new Set()

export class Server {
  /** Of the supervisor: the tree's root. */
  pid
  url
  #child
  #folder
  #ended

  /** `args` as after `prefork`; it is ready when this settles. */
  static async start(args) {
    const server = new Server(args)
    try {
      server.url = await server.#announced()
      await server.#until((status) => status.phase === 'serving' && status.workers.every(isReady))
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  constructor(args) {
    this.#folder = mkdtempSync(join(tmpdir(), 'prefork-bench-'))
    const words = [PREFORK, ...args, '--port', '0', '--backlog', String(BACKLOG), '--control', this.#control]
    this.#child = spawn(process.execPath, words, {
      cwd: this.#folder, // where no prefork.config.ts lies
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.pid = this.#child.pid
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve))
    running.add(this)
  }

  async status() {
    const { stdout } = await promisify(execFile)(process.execPath, [
      PREFORK,
      'status',
      '--json',
      '--control',
      this.#control,
    ])
    return JSON.parse(stdout)
  }

  /** Its state once nobody is connected any more: the counts of what went before are complete. */
  settled() {
    return this.#until((status) => status.totals.connections === 0 && status.workers.every(isReady))
  }

  async stop() {
    running.delete(this)
    const force = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS)
    this.#child.kill('SIGTERM')
    await this.#ended
    clearTimeout(force)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #control() {
    return join(this.#folder, 'control')
  }

  async #announced() {
    for await (const line of createInterface({ input: this.#child.stdout })) {
      const [, authority] = /listening on (\S+)/.exec(line) ?? []
      if (authority !== undefined) return `http://${authority}/`
    }
    throw new Error('the server ended before it listened; it says why above')
  }

  async #until(holds) {
    const giveUpAt = performance.now() + PATIENCE_MS
    for (;;) {
      const status = await this.status()
      if (holds(status)) return status
      if (performance.now() > giveUpAt) throw new Error(`the server does not come to rest: ${JSON.stringify(status)}`)
      await sleep(LOOK_AGAIN_MS)
    }
  }
}

export async function stopAll() {
  await Promise.all([...running].map((server) => server.stop()))
}

function isReady({ state }) {
  return state !== 'starting' && state !== 'draining'
}

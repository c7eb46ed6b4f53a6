/**
 * What the scenes of an attack share: a crowd beside good clients, and what a
 * server must not have lost by it.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { descriptorsOf, residentBytesOf } from '../support/descriptors.ts'
import { type Program, startProgram, waitUntil } from '../support/program.ts'
import type { Random } from '../support/random.ts'
import { type Road, TCP } from '../support/road.ts'
import type { Server } from '../support/server.ts'
import type { CrowdOptions, Outcomes } from './crowd.ts'

const CROWD = resolve('dist/test/hostile/crowd.js')

export type CrowdWanted = Partial<Omit<CrowdOptions, 'isSecure'>> &
  Pick<CrowdOptions, 'kind' | 'connections'> & { readonly road?: Road }

export class Crowd {
  readonly #program: Program

  constructor(t: TestContext, server: Server, random: Random, { road = TCP, ...wanted }: CrowdWanted) {
    const options: CrowdOptions = {
      port: server.port,
      isSecure: road.isSecure,
      total: wanted.connections,
      everyMs: 1_000,
      seed: random(2 ** 32),
      ...wanted,
    }
    this.#program = startProgram(t, [CROWD, JSON.stringify(options)])
  }

  /** All of it is connected. */
  async isThere(): Promise<void> {
    await this.#program.waitForLine(/^open$/)
  }

  /** Once all of its connections have ended. However long that takes, the scene has a deadline. */
  async isOver(): Promise<Outcomes> {
    await this.#program.finished
    return this.#outcomes()
  }

  /** Sends it away. */
  async goes(): Promise<Outcomes> {
    this.#program.kill('SIGTERM')
    return this.isOver()
  }

  #outcomes(): Outcomes {
    return JSON.parse(this.#program.stdout.at(-1)!) as Outcomes
  }
}

/** As many connections as `wanted`, or as the machine has descriptors for: each is one here and one in a worker. */
export function affordable(wanted: number): number {
  const limit = /^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))![1]!
  return Math.min(wanted, Number(limit) - 200)
}

/** What the workers hold, as long as they are the same. */
export class Holdings {
  readonly pids: readonly number[]
  readonly #descriptors: readonly number[]
  readonly #residentBytes: number

  constructor(server: Server) {
    this.pids = server.workers()
    this.#descriptors = this.pids.map(descriptorsOf)
    this.#residentBytes = this.residentBytes
  }

  get residentBytes(): number {
    return this.pids.reduce((sum, pid) => sum + residentBytesOf(pid), 0)
  }

  /** How much more memory they have than at first. */
  get grownBytes(): number {
    return this.residentBytes - this.#residentBytes
  }

  /** They hold as many descriptors as before. */
  async areBack(): Promise<void> {
    const isBack = () => this.pids.every((pid, i) => descriptorsOf(pid) === this.#descriptors[i])
    await waitUntil(isBack, `the workers hold ${this.#descriptors} descriptors again`)
  }
}

export function assertEnds({ ends }: Outcomes, wanted: RegExp): void {
  const others = Object.entries(ends).filter(([name]) => !wanted.test(name))
  assert.deepEqual(others, [], `all end ${wanted}`)
}

export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

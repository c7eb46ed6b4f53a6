/**
 * The process that reads the configuration for a reload (read-config.ts), as the
 * supervisor sees it: started, given up, buried, its answer taken.
 */
import { readFileSync } from 'node:fs'
import type { Config } from '../config/options.ts'
import { SIGKILL } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { type Death, kill } from '../kernel/process.ts'
import type { Log } from '../log.ts'
import { startConfigReader } from './children.ts'

export class ConfigReader {
  #running: { readonly pid: number; readonly fd: Fd } | null = null

  get pid(): number | null {
    return this.#running?.pid ?? null
  }

  /** False, and logged, when the machine has no room for it. The one of a reload that has been given up is ended. */
  start(log: Log): boolean {
    if (this.#running !== null) {
      kill(this.#running.pid, SIGKILL)
      close(this.#running.fd)
    }
    this.#running = startConfigReader(process.argv.slice(2), log)
    return this.#running !== null
  }

  /** It has ended so: the configuration, or why it cannot be had. */
  take(death: Death): Config | string {
    const { fd } = this.#running!
    this.#running = null
    const text = readFileSync(`/proc/self/fd/${fd}`, 'utf8')
    close(fd)
    if (death.exitCode !== 0 || text === '') {
      const how = death.exitCode === null ? `signal ${death.signal}` : `exit code ${death.exitCode}`
      return `the configuration could not be read (${how}); see the log`
    }
    const { config, failure } = JSON.parse(text) as { config?: Config; failure?: string }
    return config ?? failure!
  }
}

/**
 * By what operators reach this server: the pid file and the control socket. Both
 * have a name that only one server can have.
 *
 * The successor of an upgrade takes them when it is ready, and no sooner: until
 * then it may fail, and its predecessor must be reached as before.
 */
import { OperatorError } from '../config/operator-error.ts'
import type { Config } from '../config/options.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Log } from '../log.ts'
import type { OnRequest, Watcher } from './control-clients.ts'
import { type ControlServer, openControl } from './control-server.ts'
import { removePidFile, writePidFile } from './pid-file.ts'

export class Reach {
  readonly #config: Pick<Config, 'pidFile' | 'control'>
  readonly #watcher: Watcher
  readonly #onRequest: OnRequest
  readonly #log: Log
  #control: ControlServer | null = null

  constructor(config: Pick<Config, 'pidFile' | 'control'>, watcher: Watcher, onRequest: OnRequest, log: Log) {
    this.#config = config
    this.#watcher = watcher
    this.#onRequest = onRequest
    this.#log = log
  }

  /** Throws an OperatorError when one of them cannot be had. */
  take(): void {
    this.#takePidFile(null)
    this.#takeControl(false)
  }

  /** From the server that this one succeeds. What cannot be had is no reason to end: connections are served already. */
  takeOver(predecessorPid: number): void {
    for (const take of [() => this.#takePidFile(predecessorPid), () => this.#takeControl(true)]) {
      try {
        take()
      } catch (error) {
        if (!(error instanceof OperatorError || error instanceof SyscallError)) throw error
        this.#log.error(error.message)
      }
    }
  }

  /** Leaves alone what a successor has taken over. */
  close(): void {
    this.#control?.close()
    if (this.#config.pidFile !== null) removePidFile(this.#config.pidFile)
  }

  #takePidFile(predecessorPid: number | null): void {
    const { pidFile } = this.#config
    if (pidFile !== null) writePidFile(pidFile, predecessorPid)
  }

  #takeControl(takeOver: boolean): void {
    this.#control = openControl(this.#config.control, this.#watcher, this.#onRequest, this.#log, takeOver)
  }
}

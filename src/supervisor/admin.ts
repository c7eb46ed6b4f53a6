/**
 * The admin process: a child that answers at the admin listener (`admin`), and asks
 * us for what it tells. It lives as long as the server; when it dies, another
 * takes its place, and the listener keeps whoever waits meanwhile.
 *
 * It may ask for the status, watch connections, and nothing else: whoever got the better of it could
 * not stop the server.
 */
import { readFileSync } from 'node:fs'
import type { Identity } from '../boot.ts'
import { OperatorError, quote } from '../config/operator-error.ts'
import type { AdminConfig, Config } from '../config/options.ts'
import { SIGKILL } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { type Death, kill, signalName, waitpid } from '../kernel/process.ts'
import type { Log } from '../log.ts'
import { startAdmin } from './children.ts'
import { ControlClients, type OnRequest, type Watcher } from './control-clients.ts'
import type { Listener } from './listeners.ts'
import { openPair } from './pair.ts'

/** One that has died is followed by another so much later; by the next, if that does not live, twice as much, up to the last. */
const RESTART_MS = 1_000
const RESTART_MS_MAX = 60_000
/** One that has lived so long began well. */
const SETTLED_MS = 60_000
/** Some Prometheus and some browsers. When there are more, those that wait idly make room. */
const CONNECTIONS_MAX = 128

export interface AdminParts {
  readonly config: Config
  readonly listener: Listener
  readonly identity: Identity | null
  /** See `readToken`. */
  readonly token: string | null
  readonly watcher: Watcher
  readonly onRequest: OnRequest
  readonly log: Log
}

export class Admin {
  readonly #parts: AdminParts
  readonly #clients: ControlClients
  /** 0: there is none at the moment. */
  #pid = 0
  #restart: NodeJS.Timeout | null = null
  #restartMs = RESTART_MS
  #startedAt = 0

  constructor(parts: AdminParts) {
    this.#parts = parts
    this.#clients = new ControlClients(parts.watcher, onlyLooks(parts.onRequest))
  }

  start(): void {
    this.#restart = null
    this.#startedAt = performance.now()
    const [control, watching] = [openPair(this.#parts.log), openPair(this.#parts.log)]
    const pid = control === null || watching === null ? null : this.#bear(control[1], watching[1])
    for (const pair of [control, watching]) {
      if (pair === null) continue
      const [ours, theirs] = pair
      close(theirs)
      if (pid === null) close(ours)
      else this.#clients.welcome(ours)
    }
    if (pid === null) this.#startLater()
    else this.#pid = pid
  }

  #bear(control: Fd, watching: Fd): number | null {
    const { config, listener, identity, token, log } = this.#parts
    const { logLevel, limits, timeouts } = config
    return startAdmin(
      {
        logLevel,
        limits: { ...limits, connectionsMax: CONNECTIONS_MAX },
        timeouts,
        identity,
        listener: { fd: listener.sockets[0]!, authority: listener.authority },
        control,
        watching,
        token,
      },
      log,
    )
  }

  /** True when it was ours that has died: another is on its way. */
  buries({ pid, signal, exitCode }: Death): boolean {
    if (pid !== this.#pid) return false
    this.#pid = 0
    const how = signal === null ? `exit code ${exitCode}` : signalName(signal)
    this.#parts.log.warn(`the admin process (pid ${pid}) ended by ${how}; another is started`)
    this.#startLater()
    return true
  }

  /** It has nothing that could be lost. */
  close(): void {
    if (this.#restart !== null) clearTimeout(this.#restart)
    this.#clients.close()
    if (this.#pid === 0) return
    kill(this.#pid, SIGKILL)
    waitpid(this.#pid, 0)
  }

  #startLater(): void {
    if (performance.now() - this.#startedAt > SETTLED_MS) this.#restartMs = RESTART_MS
    this.#restart = setTimeout(() => this.start(), this.#restartMs)
    this.#restartMs = Math.min(2 * this.#restartMs, RESTART_MS_MAX)
  }
}

const MAY_ASK: readonly string[] = ['status', 'watch', 'unwatch']

function onlyLooks(onRequest: OnRequest): OnRequest {
  return (request, reply, client) => {
    if (MAY_ASK.includes(request.type)) onRequest(request, reply, client)
    else reply({ type: 'failed', message: 'the admin process may look, and change nothing' })
  }
}

const TOKEN = /^[\x21-\x7e]{16,256}$/

/** What whoever asks must bring; null: nothing. Throws an OperatorError when there is no token in its file. */
export function readToken(admin: AdminConfig | null): string | null {
  const file = admin?.tokenFile ?? null
  if (file === null) return null
  const text = readFile(file).replace(/\r?\n$/, '')
  if (TOKEN.test(text)) return text
  throw new OperatorError(
    `--admin-token-file is ${quote(file)}, which holds no token: 16 to 256 visible ASCII characters on one line; ` +
      `make one: openssl rand -hex 32 > ${file}`,
  )
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new OperatorError(`--admin-token-file is ${quote(file)}, which cannot be read (${code})`)
  }
}

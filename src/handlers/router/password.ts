/**
 * Is this the password of that hash? Costs a tenth of a second of somebody's
 * processor, by design, and never the event loop's:
 *
 *     scrypt   node:crypto, on libuv's threads
 *     bcrypt   in a thread of ours (bcrypt-thread.ts), begun when first needed
 *
 * So many at once, so many waiting; beyond that the answer is "not now". No client
 * may fill the places of those who wait: one with as many there as are left free has
 * enough. So half of them are the most that guesses from one address can have.
 */
import { scrypt, timingSafeEqual } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { PasswordHash, ScryptHash } from '../../config/site/password-hash.ts'
import type { Log } from '../../log.ts'

/** Verifications at once: half of libuv's threads, so that an app's files and names go on. */
const AT_ONCE_MAX = 2
/** And those that wait for their turn: some seconds' worth. */
const WAITING_MAX = 32

/** Null: not now, too many are asking. */
export type Answer = boolean | null

interface Waiting {
  readonly address: string
  go(): void
}

export class Passwords {
  readonly #bcrypt: BcryptThread
  readonly #waiting: Waiting[] = []
  #running = 0

  constructor(log: Pick<Log, 'error'>) {
    this.#bcrypt = new BcryptThread(log)
  }

  /** `address` is the client's. Never rejects. */
  async verify(password: string, hash: PasswordHash, address: string): Promise<Answer> {
    if (this.#running < AT_ONCE_MAX) this.#running += 1
    else if (this.#mayWait(address)) await new Promise<void>((go) => this.#waiting.push({ address, go }))
    else return null
    try {
      return await (hash.kind === 'scrypt' ? isScryptOf(password, hash) : this.#bcrypt.verify(password, hash.text))
    } finally {
      // Whoever has waited longest takes this one's place.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next.go()
    }
  }

  #mayWait(address: string): boolean {
    const own = this.#waiting.filter((it) => it.address === address).length
    return own < WAITING_MAX - this.#waiting.length
  }
}

function isScryptOf(password: string, { ln, r, p, salt, key }: ScryptHash): Promise<Answer> {
  const N = 2 ** ln
  const options = { N, r, p, maxmem: 128 * r * (N + p + 2) }
  return new Promise((resolve) => {
    // An error here says that there is no memory for it.
    scrypt(password, salt, key.length, options, (error, found) => {
      resolve(error === null ? timingSafeEqual(found, key) : null)
    })
  })
}

/** One at a time: the thread answers in the order in which it was asked. */
class BcryptThread {
  readonly #log: Pick<Log, 'error'>
  readonly #asked: ((answer: Answer) => void)[] = []
  #thread: Worker | null = null

  constructor(log: Pick<Log, 'error'>) {
    this.#log = log
  }

  verify(password: string, hash: string): Promise<Answer> {
    return new Promise((resolve) => {
      this.#asked.push(resolve)
      this.#thread ??= this.#start()
      this.#thread.ref() // a process waits for an answer, and not for the thread
      this.#thread.postMessage({ password, hash })
    })
  }

  #start(): Worker {
    // It needs nothing of the environment.
    const thread = new Worker(new URL('./bcrypt-thread.js', import.meta.url), { env: {}, execArgv: [] })
    thread.on('message', (isRight: boolean) => {
      this.#asked.shift()?.(isRight)
      if (this.#asked.length === 0) thread.unref()
    })
    thread.on('error', (error) => {
      this.#log.error(`the thread that verifies bcrypt hashes failed: ${error.message}`)
      this.#thread = null
      for (const resolve of this.#asked.splice(0)) resolve(null)
    })
    return thread
  }
}

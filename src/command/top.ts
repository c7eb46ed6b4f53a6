/**
 * `prefork top`: the state of a running server, live in the terminal, until `q`.
 * Asks once a second, over one connection.
 */
import { OperatorError } from '../config/operator-error.ts'
import type { Conversation } from './ask.ts'
import { Screen } from './screen.ts'
import { frameOf, ORDERS, type Taken } from './top-frame.ts'

const INTERVAL_MS = 1_000
const EXIT_OK = 0
const CTRL_C = '\x03'

type Asked = Pick<Conversation, 'status' | 'close' | 'pid'>

/** The exit code, once somebody has had enough. Throws an OperatorError where there is no terminal, and when the server ends. */
export async function top(server: Asked, stdin = process.stdin, stdout = process.stdout): Promise<number> {
  if (!stdout.isTTY) {
    throw new OperatorError('prefork top draws on a terminal, and stdout is none; prefork status tells the same once')
  }
  const view = new View(server)
  const screen = new Screen(stdin, stdout, hasColor(process.env), view)
  view.screen = screen
  try {
    screen.open()
    await view.until
    return EXIT_OK
  } finally {
    view.stop()
    screen.close()
    server.close()
  }
}

/** https://no-color.org */
function hasColor({ NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  return (NO_COLOR ?? '') === '' && TERM !== 'dumb'
}

class View {
  readonly until: Promise<void>
  screen: Pick<Screen, 'columns' | 'rows' | 'draw'> | null = null
  readonly #server: Asked
  readonly #timer: NodeJS.Timeout
  #before: Taken | null = null
  #now: Taken | null = null
  #order = 0
  #isPaused = false
  #done!: () => void
  #fail!: (error: unknown) => void

  constructor(server: Asked) {
    this.#server = server
    this.until = new Promise((resolve, reject) => {
      this.#done = resolve
      this.#fail = reject
    })
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS)
    setImmediate(() => this.#look())
    for (const signal of SIGNALS) process.on(signal, this.#done)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const signal of SIGNALS) process.off(signal, this.#done)
  }

  onKey(key: string): void {
    if (key === 'q' || key === 'Q' || key === CTRL_C) return this.#done()
    if (key === 'p' || key === ' ') this.#isPaused = !this.#isPaused
    else if (key === 's') this.#order = (this.#order + 1) % ORDERS.length
    else return
    this.onRedraw()
  }

  onRedraw(): void {
    const { screen } = this
    if (this.#now === null || screen === null) return
    const look = {
      columns: screen.columns,
      rows: screen.rows,
      order: ORDERS[this.#order]!,
      isPaused: this.#isPaused,
    }
    screen.draw(frameOf(this.#before, this.#now, look))
  }

  #look(): void {
    if (this.#isPaused) return
    try {
      const status = this.#server.status()
      this.#before = this.#now
      this.#now = { at: performance.now(), status }
      this.onRedraw()
    } catch (error) {
      this.#fail(error)
    }
  }
}

/** The terminal is put back for each. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

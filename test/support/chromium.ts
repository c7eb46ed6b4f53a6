/**
 * A real browser whose pages a test talks to, by the DevTools protocol.
 *
 *     const page = await openPage(t, server.url)
 *     assert.equal(await page.evaluate('document.title'), 'Hello')
 *
 * It ends with the test. For pages that are only to be looked at, browser.ts has
 * less.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { CHROMIUM_FLAGS } from './browser.ts'
import { DEADLINE_MS } from './program.ts'
import { folderOf, undoAfter } from './server.ts'

const FLAGS = [...CHROMIUM_FLAGS, '--remote-debugging-port=0']

export interface Page {
  /** What an expression comes to in the page; a promise is waited for. As JSON has it. */
  evaluate<T>(expression: string): Promise<T>
  /** What the console has said, errors of the page's scripts included. */
  readonly console: string[]
}

/** A page of a browser of its own, once it has loaded. */
export async function openPage(t: TestContext, url: string): Promise<Page> {
  const devtools = await Devtools.connect(await startBrowser(t))
  const { targetId } = await devtools.call('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await devtools.call('Target.attachToTarget', { targetId, flatten: true })
  const console: string[] = []
  devtools.onEvent = (method, params) => {
    if (method === 'Runtime.consoleAPICalled' || method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') {
      console.push(JSON.stringify(params))
    }
  }
  for (const domain of ['Runtime', 'Log', 'Page']) await devtools.call(`${domain}.enable`, {}, sessionId)
  const loaded = devtools.event('Page.loadEventFired')
  await devtools.call('Page.navigate', { url }, sessionId)
  await loaded
  const evaluate = async (expression: string) => {
    const asked = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await devtools.call('Runtime.evaluate', asked, sessionId)
    if (exceptionDetails !== undefined) throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`)
    return result.value
  }
  return { evaluate, console }
}

/** Answers where its DevTools listen. */
async function startBrowser(t: TestContext): Promise<string> {
  const browser = spawn('chromium', [...FLAGS, `--user-data-dir=${folderOf(t)}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 10 * DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<void>((resolve) => browser.once('close', () => resolve()))
  undoAfter(t, () => {
    browser.kill('SIGTERM')
    return ended
  })
  const log: string[] = []
  for await (const line of createInterface({ input: browser.stderr })) {
    log.push(line)
    const listening = /^DevTools listening on (ws:\S+)$/.exec(line)
    if (listening === null) continue
    browser.stderr.resume()
    return listening[1]!
  }
  throw new Error(`chromium ended before it listened:\n${log.join('\n')}`)
}

// biome-ignore lint/suspicious/noExplicitAny: the protocol's own answers, of which each caller knows its own
type Answer = any

class Devtools {
  readonly socket: WebSocket
  onEvent: (method: string, params: unknown) => void = () => {}
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>()
  readonly #awaited = new Map<string, () => void>()
  #id = 0

  static async connect(url: string): Promise<Devtools> {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return new Devtools(socket)
  }

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => this.#hear(JSON.parse(String(data))))
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the browser has gone'))
    })
  }

  call(method: string, params: object, sessionId?: string): Promise<Answer> {
    this.#id += 1
    const id = this.#id
    this.socket.send(JSON.stringify({ id, method, params, sessionId }))
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`waited ${DEADLINE_MS} ms for ${method}`))
      const deadline = setTimeout(late, DEADLINE_MS)
      const settle = () => {
        clearTimeout(deadline)
        this.#waiting.delete(id)
      }
      this.#waiting.set(id, {
        resolve(answer) {
          settle()
          resolve(answer)
        },
        reject(error) {
          settle()
          reject(error)
        },
      })
    })
  }

  /** Resolves with the next event of this name. */
  event(method: string): Promise<void> {
    return new Promise((resolve) => this.#awaited.set(method, resolve))
  }

  #hear({ id, result, error, method, params }: Answer): void {
    if (id === undefined) {
      this.#awaited.get(method)?.()
      this.#awaited.delete(method)
      this.onEvent(method, params)
    } else if (error === undefined) {
      this.#waiting.get(id)?.resolve(result)
    } else {
      this.#waiting.get(id)?.reject(new Error(`${error.message} (${error.code})`))
    }
  }
}

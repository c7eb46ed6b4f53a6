/**
 * A server with a status page, and what a test asks of the page again and again. A
 * page that was tapped can be told documents faster than one a second.
 */
import type { TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import { CONTROLLED } from './control.ts'
import { waitUntil } from './program.ts'
import { type Server, type ServerOptions, startServer } from './server.ts'
import { workersReady } from './tree.ts'

export interface ServerWithPage {
  readonly server: Server
  /** Of the admin listener, without a slash at its end. */
  readonly pageUrl: string
}

/** One worker, unless told otherwise; all of them ready. */
export async function startWithPage(
  t: TestContext,
  args: readonly string[] = [],
  options: ServerOptions & { readonly workers?: number } = {},
): Promise<ServerWithPage> {
  const { workers = 1 } = options
  const server = await startServer(t, {
    ...options,
    args: ['--admin', '127.0.0.1:0', '--workers', String(workers), ...CONTROLLED, ...args],
    log: [/ info supervisor /, ...(options.log ?? [])],
  })
  await workersReady(server, workers)
  const line = await server.waitForLog(/ info supervisor .*: tells of itself at /)
  return { server, pageUrl: /http:\S+(?=\/$)/.exec(line)![0] }
}

/** Text of an element of the page, as a person reads it; '' where there is none. */
export async function textIn(page: Page, selector: string): Promise<string> {
  const found = page.locator(selector).first()
  return (await found.count()) === 0 ? '' : ((await found.textContent()) ?? '')
}

/** Waits until the element says so. */
export async function says(page: Page, selector: string, pattern: RegExp): Promise<void> {
  let text = ''
  const holds = async () => {
    text = await textIn(page, selector)
    return pattern.test(text)
  }
  await waitUntil(holds, `${selector} says ${pattern}`).catch((error: Error) => {
    throw new Error(`${error.message}; it says: ${text}`)
  })
}

/** From the next load on the page hears of a test's documents alone: see `tell`. */
export async function tap(page: Page): Promise<void> {
  await page.addInitScript(`
    const Real = EventSource
    globalThis.EventSource = class extends Real {
      constructor(url) {
        super(url)
        globalThis.tapped = this
      }
      addEventListener(name, listen) {
        super.addEventListener(name, (event) => {
          if (!event.isTrusted || name !== 'status') listen(event)
        })
      }
    }
    for (const name of ['CONNECTING', 'OPEN', 'CLOSED']) globalThis.EventSource[name] = Real[name]`)
}

export async function tell(page: Page, documents: readonly object[]): Promise<void> {
  await page.waitForFunction('globalThis.tapped?.readyState === 1')
  await page.evaluate(
    (texts) => {
      const { tapped } = globalThis as unknown as { tapped: EventTarget }
      for (const data of texts) tapped.dispatchEvent(new MessageEvent('status', { data }))
    },
    documents.map((document) => JSON.stringify(document)),
  )
}

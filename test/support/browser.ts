/**
 * A real browser: Chromium without a window, a profile of its own for each page.
 *
 *     const { dom, console } = await browse(t, url)
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { unless } from './curl.ts'
import { DEADLINE_MS } from './program.ts'
import { folderOf } from './server.ts'

/** What a test's options are when it needs the browser. */
export const withBrowser = { skip: unless('chromium') }

export interface Page {
  /** The document as it is once loaded and its scripts have run. */
  readonly dom: string
  readonly console: string[]
}

/** What every Chromium of a test is started with: no window, nothing of its own on the network. */
export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const FLAGS = [...CHROMIUM_FLAGS, '--enable-logging=stderr', '--virtual-time-budget=5000']

/** Opens a page and waits until it is loaded and its scripts have run. */
export async function browse(t: TestContext, url: string): Promise<Page> {
  const args = [...FLAGS, `--user-data-dir=${folderOf(t)}`, '--dump-dom', url]
  const browser = spawn('chromium', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  const [dom, log, code] = await Promise.all([
    textOf(browser.stdout),
    textOf(browser.stderr),
    new Promise((resolve, reject) => browser.once('error', reject).once('close', resolve)),
  ])
  assert.equal(code, 0, log)
  return { dom, console: log.split('\n').filter((line) => /:CONSOLE[:(]/.test(line)) }
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}

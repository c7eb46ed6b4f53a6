/**
 * A page in a real browser that a test clicks through: Debian's Chromium, driven by
 * playwright-core, which brings none of its own.
 *
 *     const { page, problems } = await openInChromium(t, url)
 *     await page.getByRole('button', { name: 'RTT' }).click()
 *
 * It ends with the test. What its console says, and what its policy has refused, is
 * in `problems`.
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { CHROMIUM_FLAGS } from './browser.ts'
import { DEADLINE_MS } from './program.ts'
import { undoAfter } from './server.ts'

export interface OpenedPage {
  readonly page: Page
  readonly problems: string[]
}

export async function openInChromium(
  t: TestContext,
  url: string,
  options: BrowserContextOptions = {},
  flags: readonly string[] = [],
): Promise<OpenedPage> {
  const browser = await chromium.launch({ executablePath: pathOf('chromium'), args: [...CHROMIUM_FLAGS, ...flags] })
  undoAfter(t, () => browser.close())
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  context.setDefaultTimeout(DEADLINE_MS)
  const page = await context.newPage()
  const problems: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(String(error.stack)))
  await page.goto(url)
  return { page, problems }
}

function pathOf(command: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const found = folders.map((folder) => join(folder, command)).find(isExecutable)
  if (found === undefined) throw new Error(`${command} is not installed`)
  return found
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * A scene: a test that has a short form, which `npm test` plays, and a long one,
 * which a script of its own plays (scripts/scenes.mjs).
 *
 *     scene('reloads lose nothing', async (t, { isLong, print }) => { … })
 *
 * Figures are printed.
 */
import { type TestContext, test } from 'node:test'
import { type Random, seededRandom } from './random.ts'

/** Less than what the runner allows a whole file: a scene that hangs still ends its server. */
const SHORT_MS = 120_000
const LONG_MS = 840_000

export interface Stage {
  readonly isLong: boolean
  readonly random: Random
  print(line: string): void
}

export function scene(
  name: string,
  play: (t: TestContext, stage: Stage) => Promise<void>,
  options: { readonly skip?: string | false } = {},
): void {
  const isLong = process.env.PREFORK_SCENES === 'long'
  test(name, { timeout: isLong ? LONG_MS : SHORT_MS, ...options }, (t) =>
    play(t, { isLong, random: seededRandom(t), print: (line) => t.diagnostic(line) }),
  )
}

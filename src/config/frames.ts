/**
 * The stack of an operator's error as far as it is theirs: their frames, and those
 * of what they called. How we came to run their file is no news to them.
 */
import { fileURLToPath } from 'node:url'

/** dist/src/, as a stack shows it of an ES module and otherwise; and whoever imports a module for us. */
const OURS: readonly string[] = [
  new URL('..', import.meta.url).href,
  fileURLToPath(new URL('..', import.meta.url)),
  '/node_modules/jiti/dist/',
  'node:internal/modules/',
  'node:internal/process/',
  'node:diagnostics_channel:',
]

/** `text` is a stack, or an error as inspect() shows it: behind its last frame an error's properties may open. */
export function withoutOurFrames(text: string): string {
  const kept: string[] = []
  for (const line of text.split('\n')) {
    const isOurs = /^\s+at /.test(line) && OURS.some((ours) => line.includes(ours))
    if (!isOurs) kept.push(line)
    else if (line.endsWith(' {')) kept.push(`${kept.pop() ?? ''} {`)
  }
  return kept.join('\n')
}

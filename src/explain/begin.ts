/**
 * Where a process begins to be explained: before anything of kernel/ has bound a
 * function, for only what is bound afterwards is watched (kernel/libc.ts). So
 * all else, the narrator too, is loaded here, and later.
 */
import { watchCalls } from '../kernel/libc.ts'
import { beExplained } from './explained.ts'
import type { Mode } from './mode.ts'
import type { Narrator } from './narrator.ts'

export async function beginToExplain(mode: Mode): Promise<Narrator> {
  let narrator: Narrator | null = null
  watchCalls((name, args, result) => narrator?.hear({ name, args, result }))
  const { realNarrator } = await import('./real.ts')
  narrator = realNarrator(mode)
  beExplained(mode, narrator)
  return narrator
}

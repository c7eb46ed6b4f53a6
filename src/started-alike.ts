/**
 * Whether a server was started as what is checked would be: then a reload of it reads the very same.
 */
import { isDeepStrictEqual } from 'node:util'
import { type CommandLine, parseCommandLine } from './config/command-line.ts'
import type { StartedAs } from './control/tree-status.ts'

export interface Checked {
  readonly commandLine: Pick<CommandLine, 'target' | 'flags'>
  readonly folder: string
  /** The one that was found. */
  readonly configFile: string | null
}

/** Where something is asked for by words, and not by a file alone, the folder counts as well: paths are relative to it. */
export function isStartedAlike({ words, folder, configFile }: StartedAs, checked: Checked): boolean {
  const [theirs, ours] = [servedBy(parseCommandLine(words)), servedBy(checked.commandLine)]
  if (!isDeepStrictEqual(theirs, ours) || configFile !== checked.configFile) return false
  return folder === checked.folder || (configFile !== null && isDeepStrictEqual(ours, NOTHING))
}

/** By which words it is reached is no matter: it has been. */
function servedBy({ target, flags: { control: _, pidFile: __, ...flags } }: Checked['commandLine']) {
  return { target, flags }
}

const NOTHING = { target: null, flags: {} }

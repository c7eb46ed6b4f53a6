/** Becoming another user, which only root may, and only where that user can run this Node. */
import { spawnSync } from 'node:child_process'
import { PREFORK } from './server.ts'

export const NOBODY = 65_534

const isRoot = process.geteuid?.() === 0

/** `prefork`, run by him. */
export const asNobody = [
  ...['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'],
  ...[process.execPath, PREFORK],
]

/** What a test's options are when it does. */
export const withNobody = {
  skip: !isRoot
    ? 'only root may become somebody else'
    : spawnSync(asNobody[0]!, [...asNobody.slice(1), '--version']).status !== 0 &&
      'another user cannot run this node here (or setpriv is missing)',
}

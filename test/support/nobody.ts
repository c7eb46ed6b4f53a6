/** Becoming another user, which only root may, and only where that user can run this Node. */
import { spawnSync } from 'node:child_process'
import { PREFORK } from './server.ts'

export const NOBODY = 65_534

const isRoot = process.geteuid?.() === 0
const asNobody = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', process.execPath, PREFORK, '--version']

/** What a test's options are when it does. */
export const withNobody = {
  skip: !isRoot
    ? 'only root may become somebody else'
    : spawnSync('setpriv', asNobody).status !== 0 && 'another user cannot run this node here (or setpriv is missing)',
}

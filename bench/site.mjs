/** The files that are served while it is measured: bytes at random, so that nothing is gained by compressing them. */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FILE_BYTES } from './workloads.mjs'

export function makeSite() {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-bench-site-'))
  chmodSync(folder, 0o755) // servers that are started as root serve as somebody else
  for (const [name, bytes] of Object.entries(FILE_BYTES)) writeFileSync(join(folder, name), randomBytes(bytes))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove) // whoever is interrupted has no other moment for it
  return { folder, remove }
}

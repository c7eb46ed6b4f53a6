/**
 * `admin`: where the server tells of itself, and who may ask there.
 *
 * What it tells is for operators alone. So an address that others than this
 * machine can reach is refused unless whoever asks must bring a token.
 */
import { describeListen } from './address.ts'
import { resolveOne } from './listen.ts'
import { OperatorError, quote } from './operator-error.ts'
import type { AdminConfig } from './options.ts'
import { findReadableFile } from './paths.ts'
import type { Setting } from './settings.ts'

/** Connections that may wait there: a Prometheus or two, some browsers. */
const BACKLOG = 64
/** Unless it is somebody else's to decide who may connect: the owner alone. */
const SOCKET_MODE = 0o600

/** Null: off. Throws an OperatorError when that is no address, or one that is open to others without a token. */
export async function findAdmin(admin: Setting, tokenFile: Setting): Promise<AdminConfig | null> {
  if (admin.value === 'off') {
    if (tokenFile.isAsked) throw new OperatorError(`${tokenFile.name} is given, but admin is off; give --admin ADDRESS`)
    return null
  }
  const file = tokenFile.value === null ? null : findReadableFile(tokenFile)
  const found = await resolveOne(admin, BACKLOG)
  if (found.kind === 'passed') {
    throw new OperatorError(`${admin.name} is ${quote(admin.value)}, which stands for no address here; give one`)
  }
  if (found.kind === 'unix') return { listen: { ...found, mode: SOCKET_MODE }, tokenFile: file }
  if (file === null && !isLoopback(found.host)) {
    throw new OperatorError(
      `${admin.name} is ${quote(admin.value)}, and ${describeListen(found)} can be reached by others: ` +
        'give --admin-token-file FILE, or an address of this machine alone, such as 127.0.0.1:9180',
    )
  }
  return { listen: found, tokenFile: file }
}

/** RFC 1122 §3.2.1.3 (g); RFC 4291 §2.5.3. */
function isLoopback(host: string): boolean {
  return host.startsWith('127.') || /^(0{0,4}:){1,7}0{0,3}1$/.test(host)
}

/**
 * Who may ask at the admin listener.
 *
 * With a token: whoever brings it, as `Authorization: Bearer` (RFC 6750 §2.1) or as
 * the password of any user (RFC 7617), which is what browsers can do.
 *
 * Without one it listens where only this machine can connect. But a browser on
 * this machine connects for any page it shows: one whose name its owner makes point
 * to 127.0.0.1 would be let read the answer (DNS rebinding). Such a page asks by
 * its own name, so names other than localhost are refused.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { Reply } from '../handlers/handler.ts'
import { errorReply } from '../handlers/pages.ts'
import { basicUserPass } from '../http/basic.ts'
import type { RequestHead } from '../http/head.ts'

const CHALLENGE = ['WWW-Authenticate', 'Basic realm="prefork admin", charset="UTF-8"'] as const

export type HasToken = (authorization: string) => boolean

/** Why this request is not answered, or null. `hasToken`: null where none is asked for. */
export function refusalOf(head: Pick<RequestHead, 'host' | 'field'>, hasToken: HasToken | null): Reply | null {
  if (hasToken === null) return isOwnName(head.host) ? null : errorReply(421, FOREIGN_NAME)
  if (hasToken(head.field('authorization') ?? '')) return null
  return errorReply(401, 'This is for those who have the token.', CHALLENGE)
}

const FOREIGN_NAME = 'Without a token, ask by an IP address or by the name localhost.'

/** Compares in a time that tells nothing of how much was right. */
export function tokenCheck(token: string): HasToken {
  const wanted = digest(token)
  return (authorization) => timingSafeEqual(digest(tokenIn(authorization)), wanted)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'latin1').digest()
}

/** '' where there is none; no token is empty. */
function tokenIn(authorization: string): string {
  const bearer = /^bearer +(\S+)$/i.exec(authorization)?.[1]
  if (bearer !== undefined) return bearer
  const userPass = basicUserPass(authorization)?.toString('latin1') ?? ''
  return userPass.slice(userPass.indexOf(':') + 1 || userPass.length)
}

/** An address, which no page can make its name; localhost (RFC 6761 §6.3); or none (HTTP/1.0). */
function isOwnName(host: string): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase()
  return (
    name === '' || isIP(name) !== 0 || isIP(name.replace(/^\[(.*)\]$/, '$1')) === 6 || /(^|\.)localhost$/.test(name)
  )
}

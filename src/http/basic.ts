/**
 * Basic authentication on the wire, RFC 7617 §2: `Authorization: Basic` and
 * `user-id ":" password` in base64. What the bytes mean is for who asks.
 */

/** The user-pass of an Authorization field, decoded; null for what is malformed, or of another scheme. */
export function basicUserPass(authorization: string): Buffer | null {
  const token = BASIC.exec(authorization)?.[1]
  return token === undefined ? null : Buffer.from(token, 'base64')
}

const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i

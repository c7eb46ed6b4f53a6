/**
 * An answer that sends the client elsewhere, RFC 9110 §15.4: by its fields alone.
 */
import type { Reply } from './handler.ts'

/** `location` is ready to be sent: a path of this server, percent-encoded, or a URI. */
export function movedTo(location: string, status = 301): Reply {
  return { status, fields: ['Location', location], body: null }
}

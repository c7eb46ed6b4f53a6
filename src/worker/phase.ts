/**
 * Where a connection waits next: its phase.
 *
 *     HEAD        for a request, or the rest of one
 *     ANSWERING   for the handler, or for more of the response or of the body
 *     DISCARDING  for the rest of a body, the answer sent: to drop it, or for a
 *                 handler that reads on
 *     LEAVING     for the last bytes to be sent
 *     LINGERING   for the client to finish, our FIN sent (RFC 9112 §9.6)
 *     CLOSED      or another's: the handler has taken it over (takeover.ts)
 *
 * Whatever its phase, a connection whose response is not sent waits for that
 * first, and receives nothing meanwhile.
 */
export const HEAD = 0
export const ANSWERING = 1
export const DISCARDING = 2
export const LEAVING = 3
export const LINGERING = 4
export const CLOSED = 5
export type Phase = 0 | 1 | 2 | 3 | 4 | 5

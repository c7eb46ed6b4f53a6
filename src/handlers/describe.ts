/**
 * What was being served, for a line of the log: the method and target as they
 * were sent, and for whom. The log escapes what could end its line.
 */
import type { RequestHead } from '../http/head.ts'

/** `GET /a?b for example.com`; `CONNECT example.com:443`, which says for whom by itself. */
export function describeRequest({ method, target, host }: Pick<RequestHead, 'method' | 'target' | 'host'>): string {
  return host === '' || host === target ? `${method} ${target}` : `${method} ${target} for ${host}`
}

/**
 * A request as `node:http` has it, for libraries that take a connection over
 * and know only that (`ws` and its like): a real IncomingMessage, so that
 * `instanceof` and every member are Node's. Nothing is parsed or received by it.
 *
 * The module `node:http` is loaded when the first one is made: most apps never
 * ask.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestHead } from '../../http/head.ts'
import type { TakenSocket } from '../handler.ts'

/** Its body is over: whoever reads it is at its end at once. */
export function nodeRequest(head: RequestHead, socket: TakenSocket): IncomingMessage {
  const { IncomingMessage } = process.getBuiltinModule('node:http')
  const message = new IncomingMessage(socket as unknown as Socket)
  message.httpVersionMajor = 1
  message.httpVersionMinor = head.minorVersion
  message.httpVersion = `1.${head.minorVersion}`
  message.method = head.method
  // Not the target as it was sent: the path meant, by which the route and its rules were chosen.
  message.url = head.method === 'CONNECT' ? head.target : `${head.path}${head.query}`
  const distinct: Record<string, string[]> = Object.create(null)
  for (const [name, value] of head.fieldPairs()) {
    message.rawHeaders.push(name, value)
    if (name in distinct) distinct[name]!.push(value)
    else distinct[name] = [value]
  }
  for (const name of Object.keys(distinct)) message.headers[name] = head.field(name) ?? ''
  message.headersDistinct = distinct
  message.complete = true
  message.push(null)
  return message
}

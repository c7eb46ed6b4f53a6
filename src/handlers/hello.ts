/**
 * What a server without a target answers, whatever the path: the lesson's page.
 */
import type { Handler, Reply } from './handler.ts'
import { errorReply } from './pages.ts'

const GREETING: Reply = {
  status: 200,
  fields: ['Content-Type', 'text/html; charset=utf-8'],
  body: 'Hello, World!',
}

export function createHelloHandler(): Handler {
  return ({ head }) => {
    if (head.method === 'GET' || head.method === 'HEAD') return GREETING
    return errorReply(405, undefined, ['Allow', 'GET, HEAD'])
  }
}

/**
 * A little JSON service: says what it was asked, and by whom.
 *
 *     curl 'http://127.0.0.1:8080/anything?a=1'
 *     curl -d '{"name":"Ada"}' http://127.0.0.1:8080/greet
 */
import type { App, AppContext } from '../../src/index.ts'

const app: App = {
  async fetch(request: Request, context: AppContext): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (request.method === 'POST' && pathname === '/greet') return greet(request)
    return Response.json({
      method: request.method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      userAgent: request.headers.get('user-agent'),
      client: context.remoteAddress,
      worker: process.pid,
    })
  },
}

async function greet(request: Request): Promise<Response> {
  let name: unknown
  try {
    ;({ name } = (await request.json()) as { name?: unknown })
  } catch {
    return Response.json({ error: 'the body is not JSON' }, { status: 400 })
  }
  if (typeof name !== 'string') return Response.json({ error: "'name' must be a string" }, { status: 422 })
  return Response.json({ greeting: `Hello, ${name}!` })
}

export default app

/**
 * The admin listener's handler with a server and stories that a test has made up,
 * answered by node:http: for what a real server shows only by chance.
 *
 *     const admin = await startPretendAdmin(t)
 *     admin.status = { ...admin.status, phase: 'reloading' }
 *     await openInChromium(t, admin.url)
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createAdminHandler } from '../../src/admin/handler.ts'
import type { TreeStatus } from '../../src/control/tree-status.ts'
import type { IncomingRequest, Reply } from '../../src/handlers/handler.ts'
import { pretendStatus } from './pretend-status.ts'
import { PretendStories } from './pretend-stories.ts'
import { undoAfter } from './server.ts'

export interface PretendAdmin {
  readonly url: string
  readonly stories: PretendStories
  /** What the next look tells; a function is asked at each look. */
  status: TreeStatus | (() => TreeStatus)
}

export async function startPretendAdmin(t: TestContext): Promise<PretendAdmin> {
  const admin = { url: '', stories: new PretendStories(), status: pretendStatus() as PretendAdmin['status'] }
  const handler = createAdminHandler({
    status: async () => (typeof admin.status === 'function' ? admin.status() : admin.status),
    stories: admin.stories,
    token: null,
  })
  const server = createServer(async ({ url = '/', method = 'GET', headers }, response) => {
    const field = (name: string) => headers[name] ?? null
    const head = { path: url.split('?')[0], method, host: headers.host ?? '', field }
    await send(await handler({ head } as unknown as IncomingRequest), response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(t, () => {
    server.closeAllConnections()
    server.close()
  })
  admin.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return admin
}

async function send({ status, fields, body }: Reply, response: ServerResponse): Promise<void> {
  response.writeHead(status, [...fields])
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return void response.end(body)
  if (body.kind !== 'stream') throw new Error('the admin handler sends no files')
  const reader = body.stream.getReader()
  response.once('close', () => reader.cancel().catch(() => {}))
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) response.write(piece.value)
  response.end()
}

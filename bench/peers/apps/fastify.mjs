/** node fastify.mjs FOLDER-OF-FASTIFY PORT */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [folder, port] = process.argv.slice(2)
const { fastify } = createRequire(join(folder, 'package.json'))(folder)

const app = fastify({ keepAliveTimeout: 600_000 })
app.get('/json', async (request) => ({
  path: request.url.split('?')[0],
  userAgent: request.headers['user-agent'] ?? null,
}))
await app.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 })

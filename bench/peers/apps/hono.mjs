/** node hono.mjs FOLDER-OF-NODE-SERVER FOLDER-OF-HONO PORT */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [serverFolder, honoFolder, port] = process.argv.slice(2)
const load = (folder) => createRequire(join(folder, 'package.json'))(folder)
const { serve } = load(serverFolder)
const { Hono } = load(honoFolder)

const app = new Hono()
app.get('/json', (context) =>
  context.json({ path: context.req.path, userAgent: context.req.header('user-agent') ?? null }),
)
serve({ fetch: app.fetch, port: Number(port), hostname: '127.0.0.1' })

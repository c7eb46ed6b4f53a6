/**
 * A Hono app as it would be written for any other runtime. What this server
 * knows of the client is in `c.env`.
 *
 *     prefork ./examples/apps/hono.ts
 */
import { Hono } from 'hono'
import type { AppContext } from '../../src/index.ts'

const app = new Hono<{ Bindings: AppContext }>()

app.get('/', (c) => c.text('Hello from Hono\n'))
app.get('/hello/:name', (c) => c.json({ hello: c.req.param('name'), from: c.env.remoteAddress }))
app.post('/echo', async (c) => c.json(await c.req.json()))

export default app

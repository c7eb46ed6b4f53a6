/** node node-cluster.mjs PORT SITE WORKERS */
import cluster from 'node:cluster'

const [, , workers] = process.argv.slice(2)

if (cluster.isPrimary) for (let i = 0; i < Number(workers); i++) cluster.fork()
else await import('./node.mjs')

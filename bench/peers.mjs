/**
 * Who is compared, by name. A peer is
 *
 *     title      as tables call it
 *     can        the kinds of work it has been set up for here: hello, json, file
 *     canTls     it speaks TLS where it is given a certificate
 *     canLog     it writes an access log where it is told to; the others have none
 *     prepare()  installs or builds what it needs; throws a sentence when that cannot be
 *     version()  which one it is, for the line of conditions
 *     command(place)
 *                how it is started in the foreground: [program, ...arguments]. `place`
 *                has a folder of its own to write a configuration to, the site's
 *                folder, the port, how many workers, how many connections there
 *                will be, how many descriptors each process may have, the file of
 *                its access log (null: none is written), and `tls`: { cert, key },
 *                two files; null: it speaks without.
 *
 * All are set up as their manuals have it, with what a default configuration has on
 * left on.
 */
import { apache, apachePrefork } from './peers/apache.mjs'
import { floor, floorFork } from './peers/floor.mjs'
import { bun, bunRoutes, deno, fastify, hono, node, nodeCluster } from './peers/javascript.mjs'
import { lighttpd } from './peers/lighttpd.mjs'
import { nginx, nginxCache, nginxDeferred, nginxGathering } from './peers/nginx.mjs'
import {
  prefork,
  preforkApp,
  preforkAppNewest,
  preforkData,
  preforkDeferred,
  preforkFork,
  preforkNewest,
  preforkPrefork,
} from './peers/prefork.mjs'

export const PEERS = {
  prefork,
  'prefork-newest': preforkNewest,
  'prefork-deferred': preforkDeferred,
  'prefork-app': preforkApp,
  'prefork-app-newest': preforkAppNewest,
  'prefork-data': preforkData,
  'prefork-fork': preforkFork,
  'prefork-prefork': preforkPrefork,
  nginx,
  'nginx-cache': nginxCache,
  'nginx-gathering': nginxGathering,
  'nginx-deferred': nginxDeferred,
  apache,
  'apache-prefork': apachePrefork,
  lighttpd,
  bun,
  'bun-routes': bunRoutes,
  deno,
  node,
  'node-cluster': nodeCluster,
  fastify,
  hono,
  floor,
  'floor-fork': floorFork,
}

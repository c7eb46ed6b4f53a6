/** lighttpd, from Debian's package: for files. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { needsPackage } from './packages.mjs'

export const lighttpd = {
  title: 'lighttpd',
  can: ['file'],
  canLog: true,
  prepare: () => needsPackage('lighttpd', '/usr/sbin/lighttpd'),
  version: () => /lighttpd\/\S+/.exec(spawnSync('/usr/sbin/lighttpd', ['-v'], { encoding: 'utf8' }).stdout)[0],
  command({ folder, site, port, files, accessLog }) {
    const file = join(folder, 'lighttpd.conf')
    writeFileSync(
      file,
      `
server.document-root = "${site}"
server.port = ${port}
server.bind = "127.0.0.1"
server.listen-backlog = 4096
server.max-fds = ${files}
server.max-keep-alive-requests = 1000000
server.max-keep-alive-idle = 600
${accessLog === null ? '' : `server.modules += ( "mod_accesslog" )\naccesslog.filename = "${accessLog}"`}
mimetype.assign = ( "" => "application/octet-stream" )
`,
    )
    return ['/usr/sbin/lighttpd', '-D', '-f', file]
  },
}

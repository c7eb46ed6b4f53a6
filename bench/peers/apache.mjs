/** Apache httpd, from Debian's package apache2-bin: with the event model that Debian chooses, and with the pre-forked one. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HELLO_TEXT } from '../workloads.mjs'
import { needsPackage } from './packages.mjs'

/** As Debian's apache2.conf has it. */
const COMBINED = String.raw`"%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""`
const MODULES = '/usr/lib/apache2/modules'

export const apache = peer(
  'Apache, event',
  'event',
  ({ workers, files }) => `
StartServers ${workers}
ServerLimit ${Math.max(workers, 16)}
ThreadsPerChild 64
MaxRequestWorkers ${64 * Math.max(workers, 16)}
MaxSpareThreads ${64 * Math.max(workers, 16)}
AsyncRequestWorkerFactor ${Math.floor((files * 0.9) / 64)}`,
)

export const apachePrefork = peer(
  'Apache, prefork',
  'prefork',
  () => `
StartServers 8
MinSpareServers 5
MaxSpareServers 64
ServerLimit 128
MaxRequestWorkers 128`,
)

function peer(title, model, limits) {
  return {
    title,
    can: ['hello', 'file'],
    canLog: true,
    prepare: () => needsPackage('apache2-bin', '/usr/sbin/apache2'),
    version: () => /Apache\/\S+/.exec(spawnSync('/usr/sbin/apache2', ['-v'], { encoding: 'utf8' }).stdout)[0],
    command({ folder, site, port, workers, files, accessLog }) {
      mkdirSync(join(folder, 'hello'))
      writeFileSync(join(folder, 'hello/hello'), HELLO_TEXT)
      const file = join(folder, 'apache.conf')
      writeFileSync(file, configuration({ folder, site, port, model, limits: limits({ workers, files }), accessLog }))
      return ['/usr/sbin/apache2', '-f', file, '-DFOREGROUND']
    },
  }
}

/** Its hello is a file: of itself it can answer nothing else with a text. */
function configuration({ folder, site, port, model, limits, accessLog }) {
  return `
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
ServerName bench
PidFile ${join(folder, 'apache.pid')}
ErrorLog ${join(folder, 'error.log')}
${accessLog === null ? '' : `CustomLog ${accessLog} ${COMBINED}`}
Mutex sem
LoadModule mpm_${model}_module ${MODULES}/mod_mpm_${model}.so
LoadModule authz_core_module ${MODULES}/mod_authz_core.so
LoadModule alias_module ${MODULES}/mod_alias.so
${limits}
Listen 127.0.0.1:${port}
ListenBackLog 4096
KeepAlive On
KeepAliveTimeout 600
MaxKeepAliveRequests 0
DocumentRoot ${site}
Alias /hello ${join(folder, 'hello/hello')}
<Directory />
  AllowOverride None
  Require all granted
</Directory>
`
}

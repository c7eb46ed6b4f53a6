/**
 * nginx, from Debian's package nginx-light. With one worker, as all others; `sendfile`
 * as its own packages have it. Several workers have a queue each, as its manual advises:
 * from a shared one the same worker would take most. Of TLS only the order of ciphers is
 * set (Mozilla's "intermediate"), for who compares bulk compares with the same cipher.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HELLO_TEXT } from '../workloads.mjs'
import { needsPackage } from './packages.mjs'

export const nginx = peer('nginx', '')

/** Gathers lines of its access log, as prefork does; a default nginx writes each at once. */
export const nginxGathering = peer('nginx, log lines gathered', '', (file) => `${file} combined buffer=64k flush=1s`)

/** Remembers descriptors and what is not there for a minute: what a default nginx does not. */
export const nginxCache = peer('nginx, open_file_cache', 'open_file_cache max=1000 inactive=60s;')

/** Takes connections that come with their first bytes: TCP_DEFER_ACCEPT. */
export const nginxDeferred = peer('nginx, deferred', '', undefined, ' deferred')

function peer(title, more, logTo = (file) => `${file} combined`, listen = '') {
  return {
    title,
    can: ['hello', 'file'],
    canTls: true,
    canLog: true,
    prepare: () => needsPackage('nginx-light', '/usr/sbin/nginx'),
    version: () => /nginx\/\S+/.exec(spawnSync('/usr/sbin/nginx', ['-v'], { encoding: 'utf8' }).stderr)[0],
    command({ accessLog, ...place }) {
      const { folder } = place
      const file = join(folder, 'nginx.conf')
      writeFileSync(file, configuration({ ...place, more, listen, log: accessLog === null ? 'off' : logTo(accessLog) }))
      return ['/usr/sbin/nginx', '-p', folder, '-e', join(folder, 'error.log'), '-c', file]
    },
  }
}

function configuration({ folder, site, port, workers, connections, files, more, listen, log, tls }) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
user root;
pid ${join(folder, 'nginx.pid')};
worker_processes ${workers};
worker_rlimit_nofile ${files};
events { worker_connections ${Math.max(768, 2 * connections)}; }
http {
  access_log ${log};
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 600s;
  keepalive_requests 1000000000;
  default_type application/octet-stream;
  ${more}
  ${temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join(' ')}
  server {
    listen 127.0.0.1:${port} backlog=4096${workers > 1 ? ' reuseport' : ''}${listen}${tls === null ? '' : ' ssl'};
    ${tls === null ? '' : securely(tls)}
    root ${site};
    location = /hello { default_type text/plain; return 200 ${JSON.stringify(HELLO_TEXT)}; }
  }
}
`
}

function securely({ cert, key }) {
  return `
    ssl_certificate ${cert};
    ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256;`
}

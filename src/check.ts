/**
 * `prefork check`: does everything that a start does, short of starting, and
 * says what would happen.
 *
 * The configuration has been checked by whoever made it; here user and group are
 * looked up, certificates judged, the apps loaded, and the addresses bound and given
 * back. Those come last: where the server runs already they are taken, and what is
 * wrong with the next start or reload is to be heard all the same.
 */
import { describeListen } from './config/address.ts'
import type { AdminConfig, Config, Listen, TlsConfig } from './config/options.ts'
import { describeSite, describeTarget } from './config/site/describe-site.ts'
import { readToken } from './supervisor/admin.ts'
import { identityOf } from './supervisor/identity.ts'
import { closeListener, openAdminListener, openListeners } from './supervisor/listeners.ts'
import { readPassedSockets } from './supervisor/passed-sockets.ts'
import { loadOrExit } from './worker/load.ts'
import { openTls, type Teller } from './worker/tls.ts'

/**
 * The exit code, 0, with warnings or without. Throws an OperatorError, or ends the process with 1, for whatever would keep
 * the server from starting.
 */
export async function check(config: Config): Promise<number> {
  identityOf(config)
  readToken(config.admin)
  const told = new Told()
  openTls(config.tls, null, null, told)
  await loadOrExit(config)
  const passed = readPassedSockets(process.env)
  const admin = openAdminListener(config, passed)
  if (admin !== null) closeListener(admin)
  for (const listener of openListeners(config, 1, passed)) closeListener(listener)
  process.stdout.write(`${describe(config, told).join('\n')}\n`)
  return 0
}

/** What is told of certificates: warnings at once, for what comes after may be a mistake. */
class Told implements Teller {
  readonly shown: string[] = []
  warnings = 0

  shows(sentence: string): void {
    this.shown.push(sentence)
  }

  warns(sentence: string): void {
    this.warnings += 1
    process.stderr.write(`prefork: warning: ${sentence}\n`)
  }
}

function describe(config: Config, { shown, warnings }: Told): string[] {
  const { model, accept, tls, pidFile, control, admin, readyPath } = config
  return [
    `configuration  ${config.configFile ?? 'no file; flags, environment and defaults'}`,
    ...describeServed(config),
    ...config.listen.map((listen) => `address        ${describeAddress(listen)}`),
    ...(tls === null ? [] : under('TLS', describeTls(tls, shown))),
    `workers        ${describeWorkers(config)}`,
    `model          ${model}, accept ${accept}`,
    `run as         ${describeOwner(config)}`,
    `access log     ${describeAccessLog(config)}`,
    `control        ${control === 'auto' ? 'a socket named after the process id' : control}`,
    ...(pidFile === null ? [] : [`pid file       ${pidFile}`]),
    ...(admin === null ? [] : [`admin          ${describeAdmin(admin)}`]),
    ...(readyPath === 'off' ? [] : [`ready path     ${readyPath}`]),
    warnings === 0
      ? 'All is well: prefork would start.'
      : `prefork would start, with ${warnings === 1 ? 'a warning' : `${warnings} warnings`}.`,
  ]
}

function describeAccessLog({ accessLog, accessLogFormat }: Config): string {
  if (accessLog === 'off') return 'off'
  return `${accessLog === '-' ? 'stdout' : accessLog}, ${accessLogFormat}`
}

function describeAdmin({ listen, tokenFile }: AdminConfig): string {
  return `${describeAddress(listen)}, ${tokenFile === null ? 'without a token' : `with the token of ${tokenFile}`}`
}

function describeAddress(listen: Listen): string {
  const mode = listen.kind === 'unix' ? `, mode 0${listen.mode.toString(8)}` : ''
  return `${describeListen(listen)}${mode}${listen.isSecure ? ', TLS' : ''}, backlog ${listen.backlog}`
}

/** Of what the files hold, only what everybody is shown. */
function describeTls(tls: TlsConfig, shown: readonly string[]): string[] {
  const {
    certificates,
    minVersion,
    ticketRotationMs,
    clientCertificates,
    clientCa,
    keyLogFile,
    redirect,
    redirectPort,
  } = tls
  const tickets = ticketRotationMs === 0 ? 'no tickets' : `a new key for tickets every ${ticketRotationMs} ms`
  const to = redirectPort === 'auto' ? 'the first port with TLS' : `port ${redirectPort}`
  return [
    `${minVersion} and newer, ${tickets}`,
    ...certificates.map(({ key, ocsp }, i) => `${shown[i]} with ${key}${ocsp === null ? '' : ` and ${ocsp}`}`),
    ...(clientCa === null ? [] : [`certificates of clients ${clientCertificates}, of ${clientCa}`]),
    ...(keyLogFile === null ? [] : [`secrets of connections are written to ${keyLogFile}`]),
    ...(redirect ? [`listeners without TLS redirect to ${to}`] : []),
  ]
}

function describeWorkers({ workers, model, pool, spawn }: Config): string {
  const born = spawn === 'exec' ? 'started afresh' : spawn === 'fork' ? 'forked' : 'forked where that can be trusted'
  switch (model) {
    case 'event':
      return `${workers}, ${born}`
    case 'prefork':
      return `${workers} to begin with, ${pool.maxWorkers} at most, ${born}`
    case 'fork':
      return `one for each connection, ${pool.maxWorkers} at most, forked`
  }
}

function describeOwner({ user, group }: Config): string {
  const who = user === null ? 'whoever starts it' : `user ${user}`
  return group === null ? who : `${who}, group ${group}`
}

function describeServed({ site, target }: Config): string[] {
  if (site === null) return [`target         ${describeTarget(target)}`]
  return under('hosts', describeSite(site))
}

/** Several lines that belong together. */
function under(heading: string, lines: readonly string[]): string[] {
  return lines.map((line, i) => `${(i === 0 ? heading : '').padEnd(15)}${line}`)
}

/**
 * `prefork check`: does everything that a start does, short of starting, and
 * says what would happen.
 *
 * The configuration has been checked by whoever made it; here user and group are
 * looked up, certificates judged, the apps loaded, and the addresses bound and given
 * back. Where the server runs already, those that it has are taken: a reload keeps them, so that
 * all is well with them here (command/running-server.ts). They come last: what else is wrong is to be
 * heard also where that server cannot be asked.
 */
import { RunningServer } from './command/running-server.ts'
import { exactDuration } from './command/units.ts'
import { describeListen } from './config/address.ts'
import { OperatorError } from './config/operator-error.ts'
import type { AdminConfig, Config, Listen, TlsConfig } from './config/options.ts'
import { describeSite, describeTarget } from './config/site/describe-site.ts'
import { AddressTaken } from './supervisor/address-taken.ts'
import { readToken } from './supervisor/admin.ts'
import { identityOf } from './supervisor/identity.ts'
import { closeListener, openAdminListener, openListeners } from './supervisor/listeners.ts'
import { authorityAsked, readPassedSockets } from './supervisor/passed-sockets.ts'
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
  const held = tryAddresses(config)
  process.stdout.write(`${describe(config, told, held).join('\n')}\n`)
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

/** Addresses that the running server has, and its process id. */
type Held = ReadonlyMap<Listen, number>

/** Opens and closes them all, but for those that the running server has. */
function tryAddresses(config: Config): Held {
  const passed = readPassedSockets(process.env)
  const running = new RunningServer(config)
  const held = new Map<Listen, number>()
  const isIts = (listen: Listen, pid: number | null) => {
    if (pid !== null) held.set(listen, pid)
    return pid !== null
  }
  try {
    const admin = openAdminListener(config, passed, (it) => isIts(it, running.tellingAt(authorityAsked(it))))
    if (admin !== null) closeListener(admin)
    const listeners = openListeners(config, 1, passed, (it) => isIts(it, running.listeningAt(authorityAsked(it))))
    for (const listener of listeners) closeListener(listener)
    return held
  } catch (error) {
    if (!(error instanceof AddressTaken) || running.doubt === null) throw error
    throw new OperatorError(`${error.message}\nWhether a running server of yours has it is not known: ${running.doubt}`)
  }
}

function describe(config: Config, { shown, warnings }: Told, held: Held): string[] {
  const { model, accept, tls, pidFile, control, admin, readyPath } = config
  return [
    `configuration  ${config.configFile ?? 'no file; flags, environment and defaults'}`,
    ...describeServed(config),
    ...config.listen.map((listen) => `address        ${describeAddress(listen, held)}`),
    ...(tls === null ? [] : under('TLS', describeTls(tls, shown))),
    `workers        ${describeWorkers(config)}`,
    `model          ${model}, accept ${accept}`,
    `run as         ${describeOwner(config)}`,
    `access log     ${describeAccessLog(config)}`,
    `control        ${control === 'auto' ? 'a socket named after the process id' : control}`,
    ...(pidFile === null ? [] : [`pid file       ${pidFile}`]),
    ...(admin === null ? [] : [`admin          ${describeAdmin(admin, held)}`]),
    ...(readyPath === 'off' ? [] : [`ready path     ${readyPath}`]),
    conclusionOf(warnings, held),
  ]
}

function conclusionOf(warnings: number, held: Held): string {
  const outcome = held.size === 0 ? 'prefork would start' : 'prefork reload would put it into effect'
  if (warnings === 0) return `All is well: ${outcome}.`
  return `${outcome}, with ${warnings === 1 ? 'a warning' : `${warnings} warnings`}.`
}

function describeAccessLog({ accessLog, accessLogFormat }: Config): string {
  if (accessLog === 'off') return 'off'
  return `${accessLog === '-' ? 'stdout' : accessLog}, ${accessLogFormat}`
}

function describeAdmin({ listen, tokenFile }: AdminConfig, held: Held): string {
  return `${describeAddress(listen, held)}, ${tokenFile === null ? 'without a token' : `with the token of ${tokenFile}`}`
}

function describeAddress(listen: Listen, held: Held): string {
  const holder = held.has(listen) ? `, held by the running server (pid ${held.get(listen)})` : ''
  const mode = listen.kind === 'unix' ? `, mode 0${listen.mode.toString(8)}` : ''
  return `${describeListen(listen)}${mode}${listen.isSecure ? ', TLS' : ''}, backlog ${listen.backlog}${holder}`
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
  const tickets =
    ticketRotationMs === 0 ? 'no tickets' : `a new key for tickets every ${exactDuration(ticketRotationMs)}`
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

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
import type { CommandLine } from './config/command-line.ts'
import { OperatorError } from './config/operator-error.ts'
import type { AdminConfig, Config, Listen, TlsConfig } from './config/options.ts'
import { describeSite, describeTarget } from './config/site/describe-site.ts'
import { isStartedAlike } from './started-alike.ts'
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
export async function check(config: Config, commandLine: CommandLine, folder: string): Promise<number> {
  identityOf(config)
  readToken(config.admin)
  const told = new Told()
  openTls(config.tls, null, null, told)
  await loadOrExit(config)
  const running = new RunningServer({
    ...config,
    isStartedAlike: (startedAs) => isStartedAlike(startedAs, { ...config, commandLine, folder }),
  })
  const held = tryAddresses(config, running)
  if (held.size > 0) warnOfAdmin(config, running, told)
  process.stdout.write(`${describe(config, told, held).join('\n')}\n`)
  if (held.size > 0) sayWhoseRights(running)
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
function tryAddresses(config: Config, running: RunningServer): Held {
  const passed = readPassedSockets(process.env)
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
    throw new OperatorError(`${error.message}\n${running.doubt}`)
  }
}

/** A reload leaves it as it is (supervisor/reload.ts). Which port the kernel would choose nobody knows. */
function warnOfAdmin({ admin }: Config, running: RunningServer, told: Told): void {
  const asked = admin === null ? null : authorityAsked(admin.listen)
  if (asked === running.admin || (asked?.endsWith(':0') && running.admin !== null)) return
  told.warns('admin has changed, and a reload leaves it as it was: upgrade the server (USR2) or start it anew')
}

/** What was tried here was tried with ours. */
function sayWhoseRights({ uid }: RunningServer): void {
  if (uid === null || uid === process.geteuid!()) return
  process.stderr.write(
    `prefork: checked as uid ${process.geteuid!()}, while the server runs as uid ${uid}, ` +
      'which may not read or bind all that this user may\n',
  )
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

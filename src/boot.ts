/**
 * What a preloader, a worker started by exec, or the admin process is told at its
 * birth: one JSON document in a memfd that it inherits, with the numbers of the
 * other descriptors it inherits.
 */
import { readFileSync } from 'node:fs'
import type { Config, Limits, LogLevel, Timeouts } from './config/options.ts'
import { must } from './kernel/errno.ts'
import { close, type Fd, setCloseOnExec } from './kernel/fd.ts'
import { memfd_create, write } from './kernel/file.ts'

/** A listening socket as its worker knows it. */
export interface InheritedListener {
  readonly fd: Fd
  /** As bound: `127.0.0.1:8080`, with the real port. */
  readonly authority: string
  /** What comes there speaks TLS. */
  readonly isSecure: boolean
}

type ListenerFacts = Omit<InheritedListener, 'fd'>

/** What a fork order (channel.ts) says of listeners; their descriptors go beside it. */
export function factsOf(listeners: readonly InheritedListener[]): ListenerFacts[] {
  return listeners.map(({ authority, isSecure }) => ({ authority, isSecure }))
}

/** And the other way about, from what came with it. */
export function listenersOf(facts: readonly ListenerFacts[], fds: readonly Fd[]): InheritedListener[] {
  return facts.map((of, i) => ({ fd: fds[i]!, ...of }))
}

/** Which worker this is, among all: the same for a forked one, which is told by its fork order (channel.ts). */
export interface WorkerSeat {
  /** Its numbered place, which it has from the one before it and leaves to the next. */
  readonly slot: number
  /** Its own row of the scoreboard. */
  readonly row: number
}

/** Whom a process runs as. */
export interface Identity {
  /** By which its supplementary groups are found; null for none. */
  readonly name: string | null
  readonly uid: number
  readonly gid: number
}

export interface Boot {
  readonly config: Config
  /** Null: as whoever started the server. */
  readonly identity: Identity | null
  /** Counts the reloads: 1 for the first. */
  readonly generation: number
  /** No worker has been ready yet: what keeps this process from its work ends the server, and is for who has started it. */
  readonly isStart: boolean
  /** The preloader's channel, or the worker's line. */
  readonly channel: Fd
  readonly scoreboard: Fd
  /** Of the trace rings. */
  readonly trace: Fd
  /** The port that `tls.redirect` names to whoever comes without TLS. Null: nobody is redirected. */
  readonly redirectPort: number | null
  /** Of the keys of session tickets. */
  readonly ticketKeys: Fd
  /** Of the texts of certificates and keys, the generation's own (tls-texts.ts). Null: no listener speaks TLS. */
  readonly tlsTexts: Fd | null
  /** For a worker; null for a preloader. */
  readonly worker: (WorkerSeat & { readonly listeners: readonly InheritedListener[] }) | null
}

/** For the admin process. */
export interface AdminBoot {
  readonly logLevel: LogLevel
  readonly limits: Limits
  readonly timeouts: Timeouts
  /** Null: as whoever started the server. */
  readonly identity: Identity | null
  readonly listener: InheritedListener
  /** On which it asks the supervisor for the status: a control client's end (control/protocol.ts). */
  readonly control: Fd
  /** The same again, on which it follows connections. */
  readonly watching: Fd
  /** What whoever asks must bring; null: nothing. */
  readonly token: string | null
}

/** Writes the document. The caller owns the descriptor, and closes it once the child is born. */
export function writeBoot(boot: Boot | AdminBoot): Fd {
  const fd = memfd_create('prefork-boot')
  const bytes = Buffer.from(JSON.stringify(boot))
  for (let at = 0; at < bytes.length; ) at += must(write(fd, bytes.subarray(at)), 'write', 'to the boot document')
  return fd
}

/** Every descriptor the document names: what its reader must inherit. */
export function descriptorsOf(boot: Boot | AdminBoot): Fd[] {
  if ('control' in boot) return [boot.control, boot.watching, boot.listener.fd]
  const { channel, scoreboard, trace, ticketKeys, tlsTexts, worker } = boot
  const own = tlsTexts === null ? [] : [tlsTexts]
  return [channel, scoreboard, trace, ticketKeys, ...own, ...(worker?.listeners ?? []).map(({ fd }) => fd)]
}

/** Reads the document from the inherited descriptor, and closes that. What else was inherited goes no further. */
export function readBoot<T extends Boot | AdminBoot = Boot>(fd: Fd): T {
  // By its path, so that it is read from the start, whatever the offset that came with the descriptor.
  const boot = JSON.parse(readFileSync(`/proc/self/fd/${fd}`, 'utf8')) as T
  close(fd)
  for (const inherited of descriptorsOf(boot)) setCloseOnExec(inherited, true)
  return boot
}

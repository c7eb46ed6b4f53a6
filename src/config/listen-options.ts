/**
 * Where to listen: as an operator writes it, and as it is when it has been found.
 * A part of options.ts, and read like it.
 */

/** An address as `listen` takes it: text, or an object of one of the two kinds. */
export type ListenOption = string | ListenTcp | ListenUnix

/** A TCP address. */
export interface ListenTcp {
  /** An IPv4 or IPv6 address, or a name. `host` when left out. */
  readonly host?: string
  /** 0 lets the kernel pick one. */
  readonly port: number
  /** `backlog` when left out. */
  readonly backlog?: number
  /** Whether TLS is spoken here. When left out, it is where there is a certificate (`tls.cert`). */
  readonly tls?: boolean
}

/** A Unix socket. */
export interface ListenUnix {
  /** Relative to the configuration file. At most 107 bytes. A file left there by a server that is gone is replaced. */
  readonly path: string
  /** Who may connect, as chmod(1) has it. 0o666 when left out, as the socket of a web server is for everyone. */
  readonly mode?: number
  /** Whose the file becomes, by name or number; root only. */
  readonly owner?: string | number
  /** And which group's. */
  readonly group?: string | number
  /** `backlog` when left out. */
  readonly backlog?: number
  /** Whether TLS is spoken here. When left out, it is where there is a certificate (`tls.cert`). */
  readonly tls?: boolean
}

/** Where to listen on TCP: always a literal address, never a name. */
export interface TcpListen {
  readonly kind: 'tcp'
  readonly host: string
  readonly family: 4 | 6
  readonly port: number
  readonly backlog: number
  /** It speaks TLS. */
  readonly isSecure: boolean
}

export interface UnixListen {
  readonly kind: 'unix'
  /** Absolute. */
  readonly path: string
  readonly mode: number
  /** A name or number as written; null: whoever starts the server. */
  readonly owner: string | number | null
  readonly group: string | number | null
  readonly backlog: number
  /** It speaks TLS. */
  readonly isSecure: boolean
}

/** A socket that a service manager has opened, by the name it gave it. */
export interface PassedListen {
  readonly kind: 'passed'
  readonly name: string
  readonly backlog: number
  /** It speaks TLS. */
  readonly isSecure: boolean
}

export type Listen = TcpListen | UnixListen | PassedListen

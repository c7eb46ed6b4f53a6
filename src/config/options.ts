/**
 * The options: what an operator may ask for, and what the server is then told.
 *
 *     Options   what a person writes, in prefork.config.ts; everything optional
 *     Config    what is left after checking (load.ts): complete, frozen, plain data
 *
 * Each comment below is the manual of its option: docs/configuration.md is made
 * from them (`node scripts/reference.mjs`), and a test compares the tags with
 * table.ts, so neither can drift. This file holds no code.
 */

/** What may be written in prefork.config.ts. */
export interface Options {
  /**
   * What to serve: a directory of files, or an app module (.ts, .mts, .js, .mjs)
   * whose default export is a fetch handler. With none, every request is
   * answered by a "Hello, World!" page. A relative path in a configuration file
   * is relative to that file; on the command line, to the current directory.
   * @default none
   * @flag [target]
   */
  readonly target?: string

  /**
   * The address to listen on: an IPv4 or IPv6 address, or a name, which is
   * looked up once at start. The default is reachable from this machine only;
   * `0.0.0.0` is every IPv4 address of the machine, `::` every IPv6 address.
   * @default '127.0.0.1'
   * @flag --host
   * @env HOST
   */
  readonly host?: string

  /**
   * The TCP port to listen on. 0 lets the kernel pick a free one, which the
   * first line printed then names. Ports under 1024 usually need
   * CAP_NET_BIND_SERVICE.
   * @default 8080
   * @range 0..65_535
   * @flag --port
   * @env PORT
   */
  readonly port?: number

  /**
   * How many worker processes answer requests. 'auto' is one for each core this
   * process may run on: `os.availableParallelism()`, which honours CPU affinity
   * and, on recent versions of Node, the CPU limit of a container.
   * @default 'auto'
   * @range 1..1024
   * @flag --workers
   * @env WEB_CONCURRENCY
   */
  readonly workers?: number | 'auto'

  /**
   * Connections the kernel may hold, their handshake finished, until a worker
   * accepts them: the argument of listen(2). The kernel silently lowers it to
   * `net.core.somaxconn`. The default is that of nginx, Redis and Node.
   * @default 511
   * @range 1..65_535
   * @flag --backlog
   */
  readonly backlog?: number

  /**
   * How a worker is born. 'fork' copies a process that has already loaded the
   * app, sharing its memory; 'exec' starts a fresh `node` that loads the app
   * anew. 'auto' tries fork at start and falls back to exec where it cannot be
   * trusted.
   * @default 'auto'
   * @flag --spawn
   */
  readonly spawn?: SpawnMode

  /**
   * How much the server says on stderr: the level named and all graver ones.
   * @default 'info'
   * @flag --log-level
   */
  readonly logLevel?: LogLevel

  /**
   * Where to write one line for each request answered: a file, '-' for stdout,
   * or 'off'. A relative path in a configuration file is relative to that file.
   * @default 'off'
   * @flag --access-log
   */
  readonly accessLog?: string

  /** How much one client may ask of the server before it is refused. */
  readonly limits?: Partial<Limits>

  /** How long the server waits, and for what. */
  readonly timeouts?: Partial<Timeouts>

  /** How a directory is served. */
  readonly static?: Partial<StaticOptions>
}

/** How much one client may ask of the server before it is refused. */
export interface Limits {
  /**
   * Longest request head (request line and all fields), in bytes. A longer one
   * is answered 431 and the connection closed. A connection may hold this much
   * memory while its head arrives. Node's own limit is the same.
   * @default 16_384
   * @range 256..1_048_576
   */
  readonly headBytes: number

  /**
   * Most header fields in one request. More are answered 431 and the connection
   * closed. Apache's LimitRequestFields is the same; browsers send about 20.
   * @default 100
   * @range 1..10_000
   */
  readonly fieldCount: number

  /**
   * Longest request target (path and query), in bytes. A longer one is answered
   * 414 and the connection closed. It also counts towards `headBytes`. RFC 9110
   * §4.1 asks for at least 8000; this is nginx's figure.
   * @default 8192
   * @range 16..1_048_576
   */
  readonly targetBytes: number

  /**
   * Longest request body, in bytes. A longer one is answered 413 and the
   * connection closed. 0 accepts no body at all; `Infinity` means no limit. A
   * body streams to the app with back-pressure, so the server never holds much
   * of it: this bounds what an app that collects it (`request.json()`) can be
   * made to hold. 128 MiB is what Bun allows; nginx stops at 1 MiB, Node nowhere.
   * @default 134_217_728
   * @range 0..Infinity
   */
  readonly bodyBytes: number

  /**
   * Most connections one worker holds at once. While it has so many it accepts
   * no more, and newcomers wait in the accept queue. A connection costs one
   * descriptor, or two while it is sent a file; 10,000 need 20,000 at most, far
   * below the usual hard limit (524,288 under systemd), to which Node raises the
   * soft one at start. Should every client fill its `headBytes`, that is 164 MB.
   * @default 10_000
   * @range 1..1_000_000
   */
  readonly connectionsMax: number
}

/** How long the server waits, and for what. All in milliseconds. */
export interface Timeouts {
  /**
   * Longest time a request head may take, from its first byte to its last, in
   * milliseconds; and for a new connection, from accept to the last byte. A
   * slower client is answered 408 and the connection closed. As nginx
   * (client_header_timeout) and Node (headersTimeout) have it.
   * @default 60_000
   * @range 1..86_400_000
   */
  readonly headMs: number

  /**
   * Longest silence while a request body is being received, in milliseconds.
   * Any byte starts it anew, so it does not bound a long upload. As nginx has
   * it (client_body_timeout).
   * @default 60_000
   * @range 1..86_400_000
   */
  readonly bodyMs: number

  /**
   * How long a connection is kept open between two requests, in milliseconds.
   * Longer than the 60 seconds after which common load balancers drop theirs:
   * were it shorter, a balancer could send a request just as we close. As
   * nginx has it (keepalive_timeout).
   * @default 75_000
   * @range 1..86_400_000
   */
  readonly idleMs: number

  /**
   * Longest time without progress while a response is being sent, in
   * milliseconds: a client that reads nothing for so long is disconnected. As
   * nginx has it (send_timeout).
   * @default 60_000
   * @range 1..86_400_000
   */
  readonly writeMs: number

  /**
   * How long SIGTERM or SIGINT lets workers finish before they are ended by
   * force, in milliseconds. Below the 10 seconds after which `docker stop`
   * kills the whole tree.
   * @default 8000
   * @range 1..86_400_000
   */
  readonly stopMs: number

  /**
   * How long a new worker may take to report ready, in milliseconds, loading
   * the app included where it has to. One that misses it is killed and started
   * again.
   * @default 30_000
   * @range 1..86_400_000
   */
  readonly bootMs: number

  /**
   * How long, after a last response, the rest of what a client is still sending
   * is read and thrown away before the socket is closed, in milliseconds.
   * Closing at once would reset the connection and could destroy the response
   * on its way (RFC 9112 §9.6). As nginx has it (lingering_timeout).
   * @default 5000
   * @range 1..86_400_000
   */
  readonly lingerMs: number
}

/** How a directory is served. */
export interface StaticOptions {
  /**
   * The file served for a directory: a plain name, without a slash.
   * @default 'index.html'
   */
  readonly index: string
}

export type SpawnMode = 'auto' | 'fork' | 'exec'
export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** What is served, found and told apart at start. Paths are absolute. */
export type Target =
  | { readonly kind: 'directory'; readonly root: string }
  | { readonly kind: 'app'; readonly file: string }
  | { readonly kind: 'hello' }

/** Where to listen: always a literal address, never a name. */
export interface ListenAddress {
  readonly host: string
  readonly family: 4 | 6
  readonly port: number
}

/**
 * The checked configuration. It crosses to child processes as JSON, so it holds
 * plain data only, and it is frozen: to change it is to load it again.
 */
export interface Config {
  readonly target: Target
  readonly listen: ListenAddress
  /** A number: 'auto' has been counted. */
  readonly workers: number
  readonly backlog: number
  readonly spawn: SpawnMode
  readonly logLevel: LogLevel
  /** 'off', '-' (stdout) or an absolute path. */
  readonly accessLog: string
  /** As asked; `Infinity`, which JSON cannot say, has become `Number.MAX_SAFE_INTEGER`. */
  readonly limits: Limits
  readonly timeouts: Timeouts
  readonly static: StaticOptions
  /** The configuration file these came from, or null. An absolute path. */
  readonly configFile: string | null
}

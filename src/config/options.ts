/**
 * The options: what an operator may ask for, and what the server is then told.
 *
 *     Options   what a person writes, in prefork.config.ts; everything optional
 *     Config    what is left after checking (load.ts): complete, frozen, plain data
 *
 * Each comment below is the manual of its option: docs/configuration.md is made
 * from them (`node scripts/reference.mjs`), and a test compares the tags with
 * table.ts, so neither can drift. What bounds clients and workers is in
 * limits.ts, what is about files in static-options.ts, what is about hosts and
 * routes in routes.ts. None of them holds code.
 */
import type { Limits, RecycleOptions, Timeouts } from './limits.ts'
import type { Listen, ListenOption, TcpListen, UnixListen } from './listen-options.ts'
import type { HostOptions, SecurityOptions, Site, Surroundings } from './routes.ts'
import type { StaticOptions } from './static-options.ts'
import type { TlsConfig, TlsOptions } from './tls-options.ts'

export type { Limits, RecycleOptions, Timeouts } from './limits.ts'
export type {
  Listen,
  ListenOption,
  ListenTcp,
  ListenUnix,
  PassedListen,
  TcpListen,
  UnixListen,
} from './listen-options.ts'
export type { HashedNameRule, HiddenRule, StaticOptions, SymlinkRule } from './static-options.ts'
export type { CertificateOptions, TlsCertificate, TlsConfig, TlsOptions } from './tls-options.ts'

/** What may be written in prefork.config.ts. */
export interface Options extends Surroundings {
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
   * Where to listen, when one host and port will not do: an address or a list
   * of them. `'127.0.0.1:8080'`, `'[::1]:8080'`, `':80'` (every IPv4 address),
   * `'unix:/run/site.sock'`, `'fd:NAME'` (a socket that systemd passes under
   * this FileDescriptorName), or an object with more to say about one of them.
   * `http://` before an address keeps it from speaking TLS where others do
   * (`tls.cert`): `'http://:80'`; `https://` may be written, too.
   * It stands in place of `host` and `port`: of a file's `listen` and a flag
   * `--port`, the flag counts; one source may not give both. The flag `--listen`
   * may be given several times.
   * @default none
   * @flag --listen
   */
  readonly listen?: ListenOption | readonly ListenOption[]

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
   * How workers and connections go together. 'event': each worker holds
   * thousands at once. 'prefork': a pool of workers, each with one connection
   * at a time, that grows and shrinks with the load (`pool`). 'fork': a child is
   * forked for each connection, and ends with it.
   * @default 'event'
   * @flag --model
   */
  readonly model?: ProcessModel

  /**
   * How connections reach workers. 'shared': all workers accept from one
   * socket. 'reuseport': each slot has a socket of its own, among which the
   * kernel spreads connections. 'parent': the supervisor accepts, and passes
   * each connection to the least busy worker. docs/process-models.md compares
   * them. In the model 'fork' the parent always accepts; in 'prefork' idle
   * workers always do, from one socket.
   * @default 'shared'
   * @flag --accept
   */
  readonly accept?: AcceptStrategy

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

  /**
   * What a line of it looks like: 'combined' and 'common' as Apache and nginx have
   * them; 'json', an object a line, tells also how long things took. The fields:
   * docs/operating.md#logs.
   * @default 'combined'
   * @flag --access-log-format
   */
  readonly accessLogFormat?: AccessLogFormat

  /**
   * Whom workers and the preloader run as, by name or number. The listeners are
   * bound before, by whoever started the server; only root may change its user.
   * @default none
   * @flag --user
   */
  readonly user?: string

  /**
   * The group they run as, by name or number. Without it, the user's own.
   * @default none
   * @flag --group
   */
  readonly group?: string

  /**
   * Where to write the supervisor's process id, for service managers that read
   * one. A relative path in a configuration file is relative to that file. While
   * that supervisor lives, another server that is given the same file refuses to
   * start; what a dead one has left is replaced.
   * @default none
   * @flag --pid-file
   */
  readonly pidFile?: string

  /**
   * The Unix socket by which `prefork reload`, `stop`, `quit`, `status` and `top`
   * reach the running server; only its owner and root may. 'auto' is a socket named
   * after the supervisor's process id, in `$XDG_RUNTIME_DIR/prefork`, or
   * `/run/prefork` for root; 'off' is none.
   * @default 'auto'
   * @flag --control
   */
  readonly control?: string

  /**
   * Where the server tells of itself: a status page for a browser, and
   * `GET /metrics` for Prometheus (docs/metrics.md). An address as `listen` takes it as text, of a port or a
   * Unix socket (which is then its owner's alone); a process of its own answers
   * there, and none of it reaches a worker. An address that others than this machine
   * can reach needs `adminTokenFile`. Fixed at start: a reload keeps it.
   * @default 'off'
   * @flag --admin
   */
  readonly admin?: string

  /**
   * A file with the token that whoever asks at `admin` must bring: 16 to 256
   * visible ASCII characters, as `Authorization: Bearer TOKEN`, or as the password
   * of any user. Read once, at start, before privileges are dropped. Relative to
   * the configuration file.
   * @default none
   * @flag --admin-token-file
   */
  readonly adminTokenFile?: string

  /**
   * A path that tells a load balancer whether to send connections here: it is
   * answered 200, and 503 once the server has been told to end. The target never
   * sees it. 'off' is none; '/-/ready' is customary.
   * @default 'off'
   * @flag --ready-path
   */
  readonly readyPath?: string

  /**
   * What is served under which name, and at which path, in place of one target
   * for all: docs/routing.md explains it. A name is exact, `'*.example.com'` (any
   * name below it) or `'*'` (every other); the more exact one counts. Of a file's
   * `hosts` and a target on the command line, the target counts; one source may
   * not give both. Requests for a host that fits none are answered 421.
   * @default none
   */
  readonly hosts?: Readonly<Record<string, HostOptions>>

  /** With a certificate, every listener speaks TLS, unless it is written with `http://` before it. */
  readonly tls?: Partial<TlsOptions>

  /** The pool of workers of the model 'prefork'; its `maxWorkers` also bounds the model 'fork'. */
  readonly pool?: Partial<PoolOptions>

  /** What is asked of the kernel for each TCP listener. */
  readonly socket?: Partial<SocketOptions>

  /** When a worker is replaced though nothing is wrong with it. */
  readonly recycle?: Partial<RecycleOptions>

  /** How much one client may ask of the server before it is refused. */
  readonly limits?: Partial<Limits>

  /** How long the server waits, and for what. */
  readonly timeouts?: Partial<Timeouts>

  /** How a directory is served. */
  readonly static?: Partial<StaticOptions>

  /** Fields by which a server tells browsers to be careful. On every answer of files, apps and routes, unless `headers` says otherwise. */
  readonly security?: Partial<SecurityOptions>
}

/** The pool of workers of the model 'prefork'; its `maxWorkers` also bounds the model 'fork'. */
export interface PoolOptions {
  /**
   * With fewer idle workers than this, more are forked: one in the first second,
   * then two, four, up to 32 a second, until enough are idle. As Apache has it
   * (MinSpareServers).
   * @default 5
   * @range 1..1024
   */
  readonly minSpare: number

  /**
   * With more idle workers than this, one a second is let go. As Apache has it
   * (MaxSpareServers).
   * @default 10
   * @range 1..1024
   */
  readonly maxSpare: number

  /**
   * Most workers at once, busy ones included. When all of them are busy,
   * connections wait in the accept queue. As Apache has it (MaxRequestWorkers).
   * @default 256
   * @range 1..1024
   */
  readonly maxWorkers: number
}

/** What is asked of the kernel for each TCP listener. */
export interface SocketOptions {
  /**
   * SO_REUSEADDR: a restart need not wait until the old server's connections
   * have left TIME_WAIT.
   * @default true
   */
  readonly reuseAddress: boolean

  /**
   * TCP_NODELAY: what is sent leaves at once, and is not held back until the
   * client has acknowledged what went before (Nagle's algorithm).
   * @default true
   */
  readonly noDelay: boolean

  /**
   * TCP_DEFER_ACCEPT, in seconds: a connection enters the accept queue with its
   * first bytes, not with its handshake; without any for so long, it enters
   * without. 0 is off. Saves a system call and a wake-up for each connection,
   * which counts where clients make one for each request. Clients that connect
   * and say nothing are the kernel's until then: they take room among the
   * handshakes that are under way, and are not told when the server stops.
   * @default 0
   * @range 0..3600
   */
  readonly deferAcceptSeconds: number

  /**
   * TCP_FASTOPEN: how many connections may wait with data in their SYN, sent by
   * clients that were here before. 0 is off. `net.ipv4.tcp_fastopen` must allow
   * it, too (2 or 3).
   * @default 0
   * @range 0..65_535
   */
  readonly fastOpenQueue: number

  /**
   * IPV6_V6ONLY: an IPv6 listener takes IPv6 alone. When false, `::` also takes
   * IPv4, whose clients then have addresses such as `::ffff:127.0.0.1`.
   * @default true
   */
  readonly ipv6Only: boolean
}

export type SpawnMode = 'auto' | 'fork' | 'exec'
export type LogLevel = 'error' | 'warn' | 'info' | 'debug'
export type AccessLogFormat = 'combined' | 'common' | 'json'
export type ProcessModel = 'event' | 'prefork' | 'fork'
export type AcceptStrategy = 'shared' | 'reuseport' | 'parent'

/** What is served, found and told apart at start. Paths are absolute. */
export type Target =
  | { readonly kind: 'directory'; readonly root: string }
  | { readonly kind: 'app'; readonly file: string }
  | { readonly kind: 'hello' }

/** Where the server tells of itself, and the file whose token that takes: an absolute path, or null. */
export interface AdminConfig {
  readonly listen: TcpListen | UnixListen
  readonly tokenFile: string | null
}

/**
 * The checked configuration. It crosses to child processes as JSON, so it holds
 * plain data only, and it is frozen: to change it is to load it again.
 */
export interface Config {
  /** What answers where `site` is null. */
  readonly target: Target
  readonly site: Site | null
  /** At least one. */
  readonly listen: readonly Listen[]
  /** False: nobody said where to listen, so sockets that a service manager passes are taken in place of the default. */
  readonly isListenAsked: boolean
  /** Null: there is no certificate, and no listener is secure. */
  readonly tls: TlsConfig | null
  /** A number: 'auto' has been counted. In the model 'prefork', how many the pool begins with. */
  readonly workers: number
  readonly model: ProcessModel
  readonly accept: AcceptStrategy
  readonly spawn: SpawnMode
  readonly logLevel: LogLevel
  /** 'off', '-' (stdout) or an absolute path. */
  readonly accessLog: string
  readonly accessLogFormat: AccessLogFormat
  /** Whom workers run as: names or numbers as written; null: as whoever started the server. */
  readonly user: string | null
  readonly group: string | null
  /** An absolute path, or null. */
  readonly pidFile: string | null
  /** 'auto', 'off' or an absolute path. */
  readonly control: string
  /** Null: off. */
  readonly admin: AdminConfig | null
  /** 'off' or a path that begins with a slash. */
  readonly readyPath: string
  readonly pool: PoolOptions
  readonly socket: SocketOptions
  /** As asked; `Infinity`, which JSON cannot say, has become `Number.MAX_SAFE_INTEGER`, here and below. */
  readonly recycle: RecycleOptions
  readonly limits: Limits
  readonly timeouts: Timeouts
  readonly static: StaticOptions
  readonly security: SecurityOptions
  /** The configuration file these came from, or null. An absolute path. */
  readonly configFile: string | null
}

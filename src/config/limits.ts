/**
 * Options that bound: how much a client may ask, how long the server waits, how
 * long a worker lives. The second half of options.ts, and read like it.
 */

/** When a worker is replaced though nothing is wrong with it. */
export interface RecycleOptions {
  /**
   * A worker that has answered so many requests is replaced, gracefully; the
   * number differs from worker to worker by up to a tenth, so that not all go at
   * once. `Infinity` is never. Against leaks of an app that cannot be mended yet.
   * @default Infinity
   * @range 1..Infinity
   */
  readonly maxRequestsPerWorker: number

  /**
   * A worker whose share of memory (PSS, as the kernel counts it: what is shared
   * is divided by those who share it) is over so many bytes is replaced,
   * gracefully. Looked at every five seconds; differs from worker to worker by
   * up to a tenth. `Infinity` is never.
   * @default Infinity
   * @range 1_048_576..Infinity
   */
  readonly maxMemoryPerWorker: number
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
   * Slowest that a client may send a request body, in bytes per second, while the
   * app waits for it. It has `timeouts.bodyMs` to fall behind in, and what it
   * sends faster makes up for that; then it is answered 408 and the connection
   * closed. 0 asks for no more than a byte in every `timeouts.bodyMs`, which one
   * a minute is by default. As Kestrel has it (MinRequestBodyDataRate), and Apache
   * (mod_reqtimeout).
   * @default 240
   * @range 0..1_000_000_000
   */
  readonly bodyRateMin: number

  /**
   * Slowest that a client may take a response, in bytes per second, while there is
   * more of it than the kernel takes from us. It has `timeouts.writeMs` to fall
   * behind in, and what it takes faster makes up for that; then the connection is
   * reset. A stream that waits for its app, such as server-sent events, is not
   * the client's fault, and not counted. 0 asks for no more than a byte in every
   * `timeouts.writeMs`. As Kestrel has it (MinResponseDataRate).
   * @default 240
   * @range 0..1_000_000_000
   */
  readonly sendRateMin: number

  /**
   * Most connections that one client address holds at once, over all workers and
   * generations. One more is reset as soon as it is accepted, and the log says so
   * once a minute. An IPv6 client is its /64; clients of a Unix socket are not
   * counted, and behind a proxy all are the proxy: leave it off there. Browsers
   * open six, and many people may share an address (NAT): 100 is a careful value.
   * `Infinity` is off, and costs nothing; docs/http.md says how it is counted.
   * @default Infinity
   * @range 1..Infinity
   */
  readonly connectionsPerAddress: number

  /**
   * Most connections one worker holds at once. While it has so many, newcomers
   * are for other workers, or wait in the accept queue; where nobody else has
   * room, those make room that have waited longest for their clients, between two
   * requests or with half of one (docs/http.md). A connection costs one
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
   * Longest silence while a request body is being received, in milliseconds;
   * and how far a client that is slower than `limits.bodyRateMin` may fall
   * behind. A long upload may take as long as it keeps that pace.
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
   * Longest time without progress while a response is being sent, or what an
   * app writes to a connection it has taken over, in milliseconds: a client that
   * reads nothing for so long is disconnected. It is also how far one that is
   * slower than `limits.sendRateMin` may fall behind. As nginx has it
   * (send_timeout); progress is what the client has acknowledged, not what the
   * kernel has taken for it.
   * @default 60_000
   * @range 1..86_400_000
   */
  readonly writeMs: number

  /**
   * How long SIGTERM or SIGINT lets workers finish before they are ended by
   * force, in milliseconds. A worker that is stuck is killed a second later, so
   * that the server has ended after 8 seconds and a little: well before the 10
   * after which `docker stop` kills the whole tree.
   * @default 7000
   * @range 1..86_400_000
   */
  readonly stopMs: number

  /**
   * How long a draining worker keeps idle connections open, in milliseconds, so
   * that each can be told `Connection: close` with its next response. One that
   * has said nothing by then is closed. Workers drain when the server is
   * reloaded, upgraded, told to QUIT, or has fewer workers.
   * @default 5000
   * @range 0..86_400_000
   */
  readonly drainGraceMs: number

  /**
   * How long a draining worker may finish what it has begun (long downloads,
   * streams, WebSockets), in milliseconds, before it is ended by force.
   * `Infinity` is however long it takes, as nginx has it.
   * @default 300_000
   * @range 0..Infinity
   */
  readonly drainTimeoutMs: number

  /**
   * How long the server goes on accepting after SIGTERM, in milliseconds, while
   * `readyPath` says 503: an orchestrator tells a server to stop and its load
   * balancers to leave it at the same time, and they take a while. `stopMs`
   * begins after it.
   * @default 0
   * @range 0..86_400_000
   * @flag --shutdown-delay
   */
  readonly shutdownDelayMs: number

  /**
   * A worker whose event loop has been stuck for so long, in milliseconds, is
   * killed and replaced, with whatever it held. 0 is off. Time in which the whole
   * machine stood still does not count.
   * @default 0
   * @range 0..86_400_000
   */
  readonly workerTimeoutMs: number

  /**
   * How long a new worker may take to report ready, in milliseconds, loading
   * the app included where it has to, and its `workerStart`. One that misses it
   * is killed and started again; where none has been ready yet, the start or the
   * reload fails.
   * @default 30_000
   * @range 1..86_400_000
   */
  readonly bootMs: number

  /**
   * How long, after a last response, the rest of what a client is still sending
   * is read and thrown away before the socket is closed, in milliseconds. As long
   * has what is left of a request's body when it was answered without being read.
   * Closing at once would reset the connection and could destroy the response
   * on its way (RFC 9112 §9.6). As nginx has it (lingering_timeout).
   * @default 5000
   * @range 1..86_400_000
   */
  readonly lingerMs: number
}

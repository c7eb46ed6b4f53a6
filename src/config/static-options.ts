/**
 * The options of `static`: how a directory is served. docs/static-files.md explains
 * them together.
 *
 * As in options.ts, each comment is the manual of its option. No code here.
 */

/** How a directory is served. */
export interface StaticOptions {
  /**
   * The file served for a directory: a plain name, without a slash, or a list of
   * them, of which the first that is there is taken. With an empty list no file
   * stands for its directory. As nginx's `index`.
   * @default ['index.html']
   */
  readonly index: string | readonly string[]

  /**
   * The paths to look for, in their order, in place of the one that was asked for;
   * the first that is there is answered, with 200. `$path` stands for the path
   * asked for. An entry that ends with a slash is a directory that has an index
   * (or is listed). The last may be a status, such as '=410'; without one it is
   * 404. For an application of one page: `['$path', '/index.html']`. As nginx's
   * and Caddy's `try_files`. An empty list looks for the path itself.
   * @default []
   */
  readonly tryFiles: string | readonly string[]

  /**
   * Pages without `.html` in their paths: `/about` is answered with about.html,
   * and `/about.html` redirected there, as `/blog/index.html` is to `/blog/`. Of
   * a page and a directory of one name, `/about` is the page and `/about/` the
   * directory. With `tryFiles`, that list says what is looked for, and this only
   * redirects to it.
   * @default false
   */
  readonly cleanUrls: boolean

  /**
   * Whether a directory without an index is answered with a page that lists what
   * is in it, or with JSON for whoever asks for that. As nginx's `autoindex` and
   * Caddy's `file_server browse`.
   * @default false
   */
  readonly listing: boolean

  /**
   * How many names of a directory are read for its listing; the page says when
   * there are more. Meanwhile the worker does nothing else: about 5 ms for a
   * thousand.
   * @default 1000
   * @range 1..100_000
   */
  readonly listingEntriesMax: number

  /**
   * Pages of your own for statuses of 400 and more: an object whose keys are a
   * status ('404') or all of one class ('5xx'), and whose values are paths of
   * files beneath the root. They are sent with the status they stand for. As
   * nginx's `error_page`.
   * @default {}
   */
  readonly errorPages: Readonly<Record<string, string>>

  /**
   * Whether files and directories whose names begin with a dot are served: 'deny'
   * answers 404 for all of them but /.well-known (RFC 8615), 'allow' serves them
   * like others.
   * @default 'deny'
   */
  readonly hidden: HiddenRule

  /**
   * Which symbolic links are followed. 'beneath': those that stay beneath the
   * root. 'owner': of these, those that belong to the owner of what they lead to,
   * as nginx's `disable_symlinks if_not_owner` and Apache's `SymLinksIfOwnerMatch`.
   * 'never': none. Links that are not followed are answered 404.
   * @default 'beneath'
   */
  readonly symlinks: SymlinkRule

  /**
   * Content-Types by the ends of names, over those that the server knows, or where
   * it knows none: `{ '.wat': 'text/plain', glsl: 'text/plain; charset=us-ascii' }`.
   * With or without the dot, in any case. A type with parameters is sent exactly as
   * it is written; to one of text without any, `charset` is added. As nginx's `types`
   * and Apache's `AddType`.
   * @default {}
   */
  readonly types: Readonly<Record<string, string>>

  /**
   * The charset that files of text are said to be in: `text/html; charset=utf-8`.
   * 'off' says none; then a page's own `<meta charset>` decides, and without one the
   * browser guesses. As nginx's `charset`.
   * @default 'utf-8'
   */
  readonly charset: string

  /**
   * Whether a file that was compressed beforehand is sent in place of a text file
   * (or another of a compressible type) to clients that take it: `app.js.br`,
   * `app.js.zst` and `app.js.gz` beside `app.js`. One that is older than its
   * original is passed over. As nginx's `gzip_static` and Caddy's `precompressed`.
   * @default true
   */
  readonly precompressed: boolean

  /**
   * In which codings files of compressible types are compressed when nobody has
   * done so beforehand: 'br', 'zstd' and 'gzip', the first being preferred where
   * the client does not care. It happens on Node's thread pool, and what comes of
   * files up to `cacheFileBytesMax` is kept. zstd needs Node 22.15 or newer, and is
   * passed over below. An empty list compresses nothing.
   * @default ['br','zstd','gzip']
   */
  readonly compress: string | readonly string[]

  /**
   * Smaller files are not compressed: they fit into one packet as they are.
   * @default 1024
   * @range 0..Infinity
   */
  readonly compressMinBytes: number

  /**
   * How many files a worker compresses at once, and how many larger ones it may be
   * sending that are compressed on their way. With so many under way others
   * are sent as they are, or 503 where their client refuses that.
   * @default 16
   * @range 1..1024
   */
  readonly compressionsMax: number

  /**
   * What Cache-Control says of a file: a list of rules, of which the first counts
   * whose `path` is that of the file beneath the root; `*` in it stands for any
   * characters, slashes too. For instance `[{ path: '/assets/*', value: 'public,
   * max-age=31536000, immutable' }, { path: '*.html', value: 'no-cache' }]`. Without
   * a rule nothing is said, and browsers guess.
   * @default []
   */
  readonly cacheControl: readonly { readonly path: string; readonly value: string }[]

  /**
   * Whether files whose names hold a hash, as bundlers make them
   * (`index-BxKq81aC.js`, `main.3f9a1c2b.css`), are said to be immutable for a year,
   * where no rule of `cacheControl` says otherwise. It is a guess by the name, and a
   * wrong one stays in browsers for a year; docs/static-files.md tells which names
   * are taken for such.
   * @default 'off'
   */
  readonly hashedNames: HashedNameRule

  /**
   * How long answers may come from memory, in milliseconds, without a look at the
   * file: a change is seen after so long at most. 0 looks at each request. As
   * lighttpd's stat cache.
   * @default 1000
   * @range 0..86_400_000
   */
  readonly cacheMs: number

  /**
   * How many bytes a worker keeps of the files of a root: small ones, what came of
   * compressing, and what is known of the others. What is not asked for makes room
   * for what is. 0 keeps nothing.
   * @default 16_777_216
   * @range 0..68_719_476_736
   */
  readonly cacheBytes: number

  /**
   * The largest file that is compressed at once and kept compressed; larger ones
   * are compressed anew for each client, at its pace. As they are, files up to
   * 64 KiB are kept, and larger ones sent by sendfile(2).
   * @default 1_048_576
   * @range 0..67_108_864
   */
  readonly cacheFileBytesMax: number
}

export type HiddenRule = 'deny' | 'allow'
export type SymlinkRule = 'beneath' | 'owner' | 'never'
export type HashedNameRule = 'off' | 'immutable'

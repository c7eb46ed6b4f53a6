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
}

export type HiddenRule = 'deny' | 'allow'
export type SymlinkRule = 'beneath' | 'owner' | 'never'

/**
 * Options that route: which host and path is answered by what, who may ask, and
 * what surrounds the answers. The third part of options.ts, and read like it;
 * docs/routing.md explains them together.
 *
 *     HostOptions, Route   what a person writes; everything optional
 *     Site                 what is left after checking: complete, merged, plain data
 */
import type { StaticOptions } from './options.ts'

/** What surrounds answers, and who may have them: on a route, on a host, or at the top for all. The innermost counts. */
export interface Surroundings {
  /**
   * Fields of every answer: each takes the place of whatever the answer has by
   * that name, and `null` takes it out. `Vary` and `Set-Cookie` are added beside
   * what is there. An inner place overrides an outer one name by name. Not what an
   * answer says of its own content (`Content-Type`, `ETag` and others): see
   * `static.types` for the types of files.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string | null>>

  /**
   * Who on other origins may read answers (CORS, the Fetch standard). `true` is
   * everybody, without credentials; `false` lifts what an outer place says. The
   * server answers preflights itself.
   * @default none
   */
  readonly cors?: boolean | CorsOptions

  /**
   * Name and password, asked for by the browser (RFC 7617). They travel
   * as they are: let TLS protect them (`tls`). `false` lifts what an outer place says.
   * @default none
   */
  readonly basicAuth?: false | BasicAuthOptions

  /**
   * Whose requests are answered, by address: `'10.0.0.0/8'`, `'2001:db8::1'`,
   * `'unix:'` for Unix sockets, `'all'`. Everybody else is answered 403. With
   * `deny`, that is asked first. A place that has either of the two replaces both
   * of an outer one.
   * @default none
   */
  readonly allow?: readonly string[]

  /**
   * Whose requests are answered 403, by address as in `allow`. It outranks
   * `allow`: who is in both is denied.
   * @default none
   */
  readonly deny?: readonly string[]
}

/** Who on other origins may read answers. */
export interface CorsOptions {
  /** `'*'`, or a list of `'https://app.example.com'`, `'https://*.example.com'` (any name below it), `'null'` (files, sandboxed frames). `'*'` when left out. */
  readonly origins?: '*' | readonly string[]
  /** Methods allowed beyond GET, HEAD and POST, which always are. PUT, PATCH and DELETE when left out. */
  readonly methods?: readonly string[]
  /** Request fields allowed. Whatever is asked for when left out. */
  readonly headers?: readonly string[]
  /** Fields of answers that scripts may see beside the few they always see. None when left out. */
  readonly exposeHeaders?: readonly string[]
  /** Whether cookies and passwords may be sent along; never with the origins `'*'`. False when left out. */
  readonly credentials?: boolean
  /** How long a browser may remember a preflight: 0 to 86400. 600 when left out. */
  readonly maxAgeSeconds?: number
}

/** Who may come in by name and password. */
export interface BasicAuthOptions {
  /** What the browser's question names. ASCII. `'restricted'` when left out. */
  readonly realm?: string
  /** Hashes by user name, as `prefork hash-password` prints them, or bcrypt (`$2b$`, `$2y$`). */
  readonly users?: Readonly<Record<string, string>>
  /** A file of lines `name:hash`, as `htpasswd -B` writes it, in place of `users`. Read at start and at each reload. */
  readonly usersFile?: string
}

/** What is done with a request: one of `app`, `static`, `redirect`, `respond` and `rewrite`. */
export interface Action extends Surroundings {
  /** An app module answers. Each module is loaded once, however many routes name it. */
  readonly app?: string
  /** The files of a directory. The whole path is looked up below it. What the section `static` has may stand beside it. */
  readonly static?: string
  /** Sends the client elsewhere: a path, or a URL. `$1` is what the first `*` of `path` stands for. The query is kept. */
  readonly redirect?: string
  /** Of a redirect: 301, 302, 303, 307 or 308. 307 when left out: browsers remember a permanent one, mistakes included. */
  readonly status?: number
  /** Another path, with `$1`: alone, the routes below are asked for it; beside `app` or `static`, these are. The query is kept. */
  readonly rewrite?: string
  /** The same answer to everyone. */
  readonly respond?: RespondOptions
}

/** An answer written in the configuration. */
export interface RespondOptions {
  /** 200 to 599. */
  readonly status: number
  /** Text, sent as UTF-8. When left out, the page of the status from 400 on, and nothing below. */
  readonly body?: string
  /** Fields of the answer. Content-Type is `text/plain; charset=utf-8` when left out. */
  readonly headers?: Readonly<Record<string, string>>
}

/** One route: the paths it is for, and what is done with them. */
export interface Route extends Action, Partial<StaticOptions> {
  /**
   * `'/exact'`, `'/api/*'`; `*` is anything, slashes included, and a last `/*`
   * may be left out (`/api`). `'/*'` when left out.
   */
  readonly path?: string
}

/** A host: its routes, of which the first that fits answers; or, in place of them, what one route says, for every path. */
export interface HostOptions extends Action, Partial<StaticOptions> {
  /** From the top, the first whose path fits answers. A path that fits none is answered 404. */
  readonly routes?: readonly Route[]
}

/** Fields by which a server tells browsers to be careful. On every answer of files, apps and routes, unless `headers` says otherwise. */
export interface SecurityOptions {
  /**
   * `X-Content-Type-Options: nosniff` on files, on the server's own pages, and
   * on what `respond` says: browsers take the Content-Type as it is. Answers of
   * an app are its own; `headers` puts it on them.
   * @default true
   */
  readonly nosniff: boolean

  /**
   * `Strict-Transport-Security` (HSTS, RFC 6797), word for word:
   * `'max-age=31536000; includeSubDomains'`. For that many seconds browsers ask this
   * host, and those below it, by TLS alone, whatever a link says; there is no way back
   * before. Sent over TLS only. Where somebody else has the TLS, a proxy in front,
   * `headers` says it.
   * @default 'off'
   */
  readonly hsts: string

  /**
   * `X-Frame-Options`: whether other pages may show these in a frame.
   * @default 'off'
   */
  readonly frameOptions: 'off' | 'DENY' | 'SAMEORIGIN'

  /**
   * `Referrer-Policy`: what a browser tells other pages of where it comes from.
   * @default 'off'
   */
  readonly referrerPolicy: string

  /**
   * `Content-Security-Policy`, word for word: `"default-src 'self'"`.
   * @default 'off'
   */
  readonly contentSecurityPolicy: string

  /**
   * `Permissions-Policy`, word for word: `'camera=(), geolocation=()'`.
   * @default 'off'
   */
  readonly permissionsPolicy: string

  /**
   * `Cross-Origin-Opener-Policy`: who shares a group of windows with a page.
   * @default 'off'
   */
  readonly crossOriginOpenerPolicy: 'off' | 'same-origin' | 'same-origin-allow-popups' | 'noopener-allow-popups'

  /**
   * `Cross-Origin-Embedder-Policy`: what a page may load from elsewhere.
   * @default 'off'
   */
  readonly crossOriginEmbedderPolicy: 'off' | 'require-corp' | 'credentialless'

  /**
   * `Cross-Origin-Resource-Policy`: which pages may load these answers.
   * @default 'off'
   */
  readonly crossOriginResourcePolicy: 'off' | 'same-origin' | 'same-site' | 'cross-origin'
}

// ── after checking ───────────────────────────────────────────────────────────

/** All that is routed. Every request finds a host and a route: what nobody wrote (404, 421) has been added. */
export interface Site {
  readonly hosts: readonly SiteHost[]
  /** Whom `basicAuth` lets in; rules name one by its place here. */
  readonly guards: readonly Guard[]
}

export interface SiteHost {
  /** Normalised: `www.example.com`, `*.example.com`, `[::1]`, `*`. */
  readonly name: string
  /** The last one fits every path. */
  readonly routes: readonly SiteRoute[]
}

export interface SiteRoute {
  readonly path: string
  readonly action: SiteAction
  /** The path that is asked for in place of the client's; null: the client's. */
  readonly rewrite: string | null
  readonly rules: Rules
  /** False: nobody wrote it; it says what happens otherwise. */
  readonly isWritten: boolean
}

export type SiteAction =
  | { readonly kind: 'hello' }
  | { readonly kind: 'app'; readonly file: string }
  | { readonly kind: 'static'; readonly root: string; readonly options: StaticOptions }
  | { readonly kind: 'redirect'; readonly to: string; readonly status: number }
  | {
      readonly kind: 'respond'
      readonly status: number
      readonly body: string | null
      readonly fields: Rules['fields']
    }
  /** The routes below are asked for the path in `rewrite`. */
  | { readonly kind: 'rewrite' }

/** What holds for a route once all places that speak of it are merged. */
export interface Rules {
  /** Names as written, and values; null takes a field out. */
  readonly fields: readonly (readonly [name: string, value: string | null])[]
  readonly cors: CorsRules | null
  /** Strict-Transport-Security, for answers over TLS only (RFC 6797 §7.2); null: none, or `fields` speak of it. */
  readonly hsts: string | null
  /** Of the site's guards; null: nobody is asked for a password. */
  readonly guard: number | null
  readonly access: AccessRules | null
}

export interface CorsRules {
  readonly origins: '*' | readonly string[]
  readonly methods: readonly string[]
  /** Null: whatever is asked for. */
  readonly headers: readonly string[] | null
  readonly exposeHeaders: readonly string[]
  readonly credentials: boolean
  readonly maxAgeSeconds: number
}

export interface AccessRules {
  /** Null: whoever is not denied. */
  readonly allow: readonly string[] | null
  readonly deny: readonly string[]
}

export interface Guard {
  readonly realm: string
  readonly users: readonly (readonly [name: string, hash: string])[]
}

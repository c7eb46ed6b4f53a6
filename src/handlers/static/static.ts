/**
 * Files under a root, and the road of a request for one:
 *
 *     path → known file      known-files.ts: looked at a moment ago, perhaps in memory
 *     or path → open file    find.ts: names, openat2, fstat
 *     or an open folder      listing.ts, where that is asked for
 *     representation         represent.ts: as it is or compressed; 304 or 412
 *     range                  content.ts: 200, 206 or 416, RFC 9110 §14
 *     pread, close           a small file is read here
 *     or sendfile, close     a large one is sent and closed by the connection
 *     400 and more           error-pages.ts: the operator's page, if there is one
 *
 * Answers at once, without a promise, unless something has to be compressed; never
 * with anything from outside the root, or with what is no regular file. Every
 * descriptor opened here is closed here, unless a body or a compression holds it.
 */
import type { StaticOptions } from '../../config/options.ts'
import type { RequestHead } from '../../http/head.ts'
import { close } from '../../kernel/fd.ts'
import type { Log } from '../../log.ts'
import { describeRequest } from '../describe.ts'
import type { IncomingRequest, Reply } from '../handler.ts'
import { movedTo } from '../moved.ts'
import { errorReply } from '../pages.ts'
import { createCacheControl } from './cache-control.ts'
import { createErrorPages, type ErrorPages } from './error-pages.ts'
import { Finder, type OpenedFile, type OpenedFolder } from './find.ts'
import { KnownFile } from './known-file.ts'
import { KnownFiles } from './known-files.ts'
import { createLister, type Lister } from './listing.ts'
import { isAddress } from './listing-place.ts'
import { locationOf } from './names.ts'
import { negotiates } from './negotiation.ts'
import { Root } from './open.ts'
import { OpenFile } from './open-file.ts'
import { Representer } from './represent.ts'
import type { Said } from './representation.ts'
import { createTypes } from './types.ts'

/** A handler that gives its root back when closed. */
export interface StaticHandler {
  (request: IncomingRequest): Reply | Promise<Reply>
  close(): void
}

/** Warnings are of what an operator should mend; at level debug is told why a file was refused. */
export type StaticLog = Pick<Log, 'warn'> & Partial<Pick<Log, 'debug'>>

/** What to serve, and how: the options of `static`, each documented where it is declared. */
export type StaticSite = StaticOptions & { readonly root: string }

/**
 * Serves the files under `root`. Throws a SyscallError when the root cannot be
 * opened: at start, not at a request. `now` in milliseconds, never running back.
 */
export function createStaticHandler(
  site: StaticSite,
  log?: StaticLog,
  now: () => number = performance.now.bind(performance),
): StaticHandler {
  const files = new StaticFiles(site, log, now)
  return Object.assign((request: IncomingRequest) => files.answer(request.head), { close: () => files.close() })
}

/** Whether the path is one that a route has made up: the client's does not end with it, and a cleaner one would not lead back to it. */
function isDisguised({ path, askedPath }: RequestHead): boolean {
  return askedPath !== path && !askedPath.endsWith(path)
}

const ALLOW = ['Allow', 'GET, HEAD, OPTIONS'] as const

class StaticFiles {
  readonly #root: Root
  readonly #finder: Finder
  readonly #known: KnownFiles
  readonly #representer: Representer
  readonly #list: Lister
  readonly #errorPages: ErrorPages | null
  readonly #say: (name: string) => Said
  readonly #now: () => number
  readonly #log: StaticLog | undefined
  #generation = 0

  constructor(site: StaticSite, log: StaticLog | undefined, now: () => number) {
    this.#now = now
    this.#log = log
    this.#root = new Root(site.root, site.symlinks, now)
    this.#finder = new Finder(this.#root, site, log)
    this.#known = new KnownFiles(site)
    this.#representer = new Representer(site, this.#root, this.#known)
    this.#list = createLister(this.#finder, site)
    this.#errorPages = createErrorPages(site, this.#root, log, now)
    this.#say = createSayings(site)
  }

  close(): void {
    this.#root.close()
  }

  answer(head: RequestHead): Reply | Promise<Reply> {
    const reply = this.#answer(head)
    const errorPages = this.#errorPages
    if (errorPages === null) return reply
    if (reply instanceof Promise) return reply.then((late) => (late.status < 400 ? late : errorPages(late)))
    return reply.status < 400 ? reply : errorPages(reply)
  }

  #answer(head: RequestHead): Reply | Promise<Reply> {
    switch (head.method) {
      case 'GET':
      case 'HEAD':
        return this.#find(head)
      case 'OPTIONS':
        return { status: 204, fields: ALLOW, body: null } // RFC 9110 §9.3.7
      default:
        return errorReply(405, undefined, ALLOW) // §15.5.6: with Allow
    }
  }

  #find(head: RequestHead): Reply | Promise<Reply> {
    const now = this.#now()
    this.#forgetOtherRoot(now)
    const known = this.#known.find(head.path)
    if (known !== undefined && this.#known.isFresh(known, now)) {
      const reply = this.#representer.fromMemory(head, known.file, now)
      if (reply !== null) return reply
    }
    const found =
      known?.isOwn === true
        ? this.#finder.open(known.file.name, head.path, isDisguised(head))
        : this.#finder.find(head.path, isDisguised(head))
    if (typeof found === 'number') return this.#refuse(head, found)
    if (found.kind === 'elsewhere') return movedTo(locationOf(found.path, head.query))
    if (found.kind === 'folder') return this.#answerFolder(head, found)
    const opened = new OpenFile(found.fd, found.name)
    try {
      return this.#representer.fromFile(head, this.#noted(head.path, found, now), opened, now)
    } finally {
      opened.release()
    }
  }

  #refuse(head: RequestHead, status: number): Reply {
    this.#log?.debug?.(`${status} for ${describeRequest(head)}: ${this.#finder.reason}`)
    return errorReply(status)
  }

  /** A deploy has exchanged the root: what is known is of files in another folder. */
  #forgetOtherRoot(now: number): void {
    const generation = this.#root.generationAt(now)
    if (generation === this.#generation) return
    this.#generation = generation
    this.#known.forgetAll()
  }

  #answerFolder(head: RequestHead, folder: OpenedFolder): Reply {
    try {
      // The links of a list count from the folder's address, which is therefore written in one way: not `//a/./b/`.
      return isAddress(head, folder.path) ? this.#list(head, folder) : movedTo(locationOf(folder.path, head.query))
    } finally {
      close(folder.fd)
    }
  }

  /** What is known of the file, brought up to what fstat says now. */
  #noted(rawPath: string, { name, stat, isOwn }: OpenedFile, now: number): KnownFile {
    const known = this.#known.file(name)
    known?.update(stat, now)
    const file = known ?? new KnownFile(name, this.#say(name), stat, now)
    this.#known.keep(rawPath, file, isOwn)
    return file
  }
}

/** What is said of files by their names alone. */
function createSayings(site: StaticSite): (name: string) => Said {
  const cacheControl = createCacheControl(site)
  const typeOf = createTypes(site)
  const varies = negotiates(site)
  return (name) => {
    const { type, coding, isCompressible } = typeOf(name)
    return { type, coding, cacheControl: cacheControl(name), varies: varies && isCompressible }
  }
}

/**
 * Files under a root, and the road of a request for one:
 *
 *     path → open file       find.ts: names, openat2, fstat
 *     or an open folder      listing.ts, where that is asked for
 *     conditions             represent.ts: 304 or 412, RFC 9110 §13
 *     range                  content.ts: 200, 206 or 416, RFC 9110 §14
 *     pread, close           a small file is read here
 *     or sendfile, close     a large one is sent and closed by the connection
 *     400 and more           error-pages.ts: the operator's page, if there is one
 *
 * Answers at once, without a promise, and never with anything from outside the
 * root, or with what is no regular file. Every descriptor opened here is closed
 * here, unless it leaves in the reply's body.
 */
import type { StaticOptions } from '../../config/options.ts'
import type { RequestHead } from '../../http/head.ts'
import { decodePath } from '../../http/target.ts'
import { close } from '../../kernel/fd.ts'
import type { Log } from '../../log.ts'
import type { IncomingRequest, Reply } from '../handler.ts'
import { movedTo } from '../moved.ts'
import { errorReply } from '../pages.ts'
import { FileSlice } from './content.ts'
import { createErrorPages, type ErrorPages } from './error-pages.ts'
import { Finder, type OpenedFile, type OpenedFolder } from './find.ts'
import { KnownFile, KnownFiles } from './known-files.ts'
import { createLister, type Lister } from './listing.ts'
import { locationOf } from './names.ts'
import { Root } from './open.ts'
import { represent } from './represent.ts'

/** A handler that never needs to be waited for, and gives its root back when closed. */
export interface StaticHandler {
  (request: IncomingRequest): Reply
  close(): void
}

/** What to serve, and how: the options of `static`, each documented where it is declared. */
export type StaticSite = StaticOptions & { readonly root: string }

/**
 * Serves the files under `root`. Throws a SyscallError when the root cannot be
 * opened: at start, not at a request.
 */
export function createStaticHandler(site: StaticSite, log?: Pick<Log, 'warn'>): StaticHandler {
  const files = new StaticFiles(site, log)
  return Object.assign((request: IncomingRequest) => files.answer(request.head), { close: () => files.close() })
}

const ALLOW = ['Allow', 'GET, HEAD, OPTIONS'] as const

class StaticFiles {
  readonly #root: Root
  readonly #finder: Finder
  readonly #known = new KnownFiles()
  readonly #list: Lister
  readonly #errorPages: ErrorPages | null

  constructor(site: StaticSite, log: Pick<Log, 'warn'> | undefined) {
    this.#root = new Root(site.root, site.symlinks)
    this.#finder = new Finder(this.#root, site, log)
    this.#list = createLister(this.#finder, site)
    this.#errorPages = createErrorPages(site, this.#root, log)
  }

  close(): void {
    this.#root.close()
  }

  answer(head: RequestHead): Reply {
    const reply = this.#answer(head)
    return reply.status < 400 || this.#errorPages === null ? reply : this.#errorPages(reply)
  }

  #answer(head: RequestHead): Reply {
    switch (head.method) {
      case 'GET':
      case 'HEAD':
        return this.#find(head)
      case 'OPTIONS':
        return { status: 204, fields: ALLOW, body: null }
      default:
        return errorReply(405, undefined, ALLOW)
    }
  }

  #find(head: RequestHead): Reply {
    const known = this.#known.find(head.path)
    const found = known === undefined ? this.#finder.find(head.path) : this.#finder.open(known.name, head.path)
    if (typeof found === 'number') return errorReply(found)
    if (found.kind === 'elsewhere') return movedTo(locationOf(found.path, head.query))
    if (found.kind === 'folder') return this.#answerFolder(head, found)
    let reply: Reply | null = null
    try {
      const file = this.#noted(head.path, known, found)
      reply = represent(head, file, found.fd)
      return reply
    } finally {
      // In a FileSlice the descriptor leaves with the reply. In every other case, thrown errors too, it ends here.
      if (!(reply?.body instanceof FileSlice)) close(found.fd)
    }
  }

  #answerFolder(head: RequestHead, folder: OpenedFolder): Reply {
    try {
      // The links of a list count from the folder's address, which is therefore written in one way: not `//a/./b/`.
      const isOwnPath = decodePath(head.path) === folder.path
      return isOwnPath ? this.#list(head, folder) : movedTo(locationOf(folder.path, head.query))
    } finally {
      close(folder.fd)
    }
  }

  /**
   * What is known of the file, brought up to what fstat says now. Kept by the path
   * that is its own; by its name, which has no slash in front, where it stood in
   * for others: their paths may lead elsewhere the next time, and are without end.
   */
  #noted(rawPath: string, known: KnownFile | undefined, { name, stat, isOwn }: OpenedFile): KnownFile {
    const key = isOwn ? rawPath : name
    const noted = isOwn ? known : this.#known.find(key)
    const file = noted?.name === name ? noted : new KnownFile(name)
    file.update(stat)
    this.#known.keep(key, file)
    return file
  }
}

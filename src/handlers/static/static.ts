/**
 * Files under a root, and the road of a request for one:
 *
 *     path → name            names.ts, once per path
 *     openat2                open.ts: beneath the root or not at all
 *     fstat                  what it is, how long, how old
 *     conditions             304 or 412, RFC 9110 §13
 *     range                  content.ts: 200, 206 or 416, RFC 9110 §14
 *     pread, close           a small file is read here
 *     or sendfile, close     a large one is sent and closed by the connection
 *
 * Answers at once, without a promise, and never with anything from outside the
 * root: neither a hidden file nor what is no regular file. It does not list
 * folders. Every descriptor opened here is closed here, unless it leaves in the
 * reply's body.
 */
import { evaluateConditions } from '../../http/conditional.ts'
import type { RequestHead } from '../../http/head.ts'
import { EMFILE, ENFILE, errnoName } from '../../kernel/errno.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { fstat, Stat } from '../../kernel/file.ts'
import type { Log } from '../../log.ts'
import type { IncomingRequest, Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import { content, FileSlice } from './content.ts'
import { KnownFile, KnownFiles } from './known-files.ts'
import { folderLocation, meantPath, nameOf } from './names.ts'
import { Root, statusOfOpenError } from './open.ts'

/** A handler that never needs to be waited for, and gives its root back when closed. */
export interface StaticHandler {
  (request: IncomingRequest): Reply
  close(): void
}

/**
 * Serves the files under `root`; a folder by its file named `index`. Throws a
 * SyscallError when the root cannot be opened: at start, not at a request.
 */
export function createStaticHandler(
  options: { readonly root: string; readonly index: string },
  log?: Pick<Log, 'warn'>,
): StaticHandler {
  const files = new StaticFiles(options.root, options.index, log)
  return Object.assign((request: IncomingRequest) => files.answer(request.head), { close: () => files.close() })
}

const ALLOW = ['Allow', 'GET, HEAD, OPTIONS'] as const
const WARN_EVERY_MS = 1_000

class StaticFiles {
  readonly #root: Root
  readonly #index: string
  readonly #log: Pick<Log, 'warn'> | undefined
  readonly #known = new KnownFiles()
  /** Filled again for each request: nothing is awaited between filling and reading it. */
  readonly #stat = new Stat()
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(root: string, index: string, log: Pick<Log, 'warn'> | undefined) {
    this.#root = new Root(root)
    this.#index = index
    this.#log = log
  }

  close(): void {
    this.#root.close()
  }

  answer(head: RequestHead): Reply {
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
    const file = this.#known.find(head.path) ?? this.#newFile(head.path)
    return typeof file === 'number' ? errorReply(file) : this.#open(head, file)
  }

  #newFile(rawPath: string): KnownFile | 400 | 404 {
    const path = meantPath(rawPath)
    return typeof path === 'number' ? path : new KnownFile(nameOf(path, this.#index))
  }

  #open(head: RequestHead, file: KnownFile): Reply {
    const opened = this.#root.open(file.name)
    if (opened < 0) return this.#notOpened(-opened, file.name)
    const fd = opened as Fd
    let reply: Reply | null = null
    try {
      reply = this.#look(head, file, fd)
      return reply
    } finally {
      // In a FileSlice the descriptor leaves with the reply. In every other case, thrown errors too, it ends here.
      if (!(reply?.body instanceof FileSlice)) close(fd)
    }
  }

  #notOpened(errno: number, name: string): Reply {
    if (errno === EMFILE || errno === ENFILE) this.#warnOfExhaustion(errno)
    return errorReply(statusOfOpenError(errno, name))
  }

  #look(head: RequestHead, file: KnownFile, fd: Fd): Reply {
    const stat = fstat(fd, this.#stat)
    if (stat.isDirectory) return this.#redirectToFolder(head)
    if (!stat.isFile) return errorReply(404)
    file.update(stat)
    this.#known.keep(head.path, file)
    switch (evaluateConditions(head.method, head, file)) {
      case 'failed':
        return errorReply(412)
      case 'not-modified':
        // Of the fields that RFC 9110 §15.4.5 asks for, a file has Date and ETag; Date is the connection's.
        return { status: 304, fields: ['ETag', file.etag], body: null }
      case 'proceed':
        return head.method === 'HEAD' ? headOf(file) : content(head, file, fd)
    }
  }

  /** `/folder` is answered 301 to `/folder/`, or relative links in its index would lead astray. */
  #redirectToFolder(head: RequestHead): Reply {
    const path = meantPath(head.path)
    // With its slash, the folder was already answered with its index: and that is a folder too.
    if (typeof path === 'number' || path.endsWith('/')) return errorReply(404)
    return { status: 301, fields: ['Location', folderLocation(path, head.query)], body: null }
  }

  #warnOfExhaustion(errno: number): void {
    const now = performance.now()
    if (now - this.#warnedAt < WARN_EVERY_MS) return
    this.#warnedAt = now
    this.#log?.warn(
      `no descriptor left to open files with (${errnoName(errno)}); answering 503. Raise the limit: ulimit -n`,
    )
  }
}

/** HEAD, RFC 9110 §9.3.2: what GET would say, Content-Length too, and the file is not read. It knows no ranges (§14.2). */
function headOf(file: KnownFile): Reply {
  return { status: 200, fields: file.fields, body: null, statedLength: file.size }
}

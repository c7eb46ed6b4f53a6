/**
 * Files under a root, and the road of a request for one:
 *
 *     path → open file       find.ts: names, openat2, fstat
 *     conditions             represent.ts: 304 or 412, RFC 9110 §13
 *     range                  content.ts: 200, 206 or 416, RFC 9110 §14
 *     pread, close           a small file is read here
 *     or sendfile, close     a large one is sent and closed by the connection
 *
 * Answers at once, without a promise, and never with anything from outside the
 * root: neither a hidden file nor what is no regular file. It does not list
 * folders. Every descriptor opened here is closed here, unless it leaves in the
 * reply's body.
 */
import type { RequestHead } from '../../http/head.ts'
import { close } from '../../kernel/fd.ts'
import type { Log } from '../../log.ts'
import type { IncomingRequest, Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import { FileSlice } from './content.ts'
import { Finder, type OpenedFile } from './find.ts'
import { KnownFile, KnownFiles } from './known-files.ts'
import { folderLocation } from './names.ts'
import { represent } from './represent.ts'

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

class StaticFiles {
  readonly #finder: Finder
  readonly #known = new KnownFiles()

  constructor(root: string, index: string, log: Pick<Log, 'warn'> | undefined) {
    this.#finder = new Finder(root, index, log)
  }

  close(): void {
    this.#finder.close()
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
    const known = this.#known.find(head.path)
    const found = known === undefined ? this.#finder.find(head.path) : this.#finder.open(known.name, head.path)
    if (typeof found === 'number') return errorReply(found)
    if (found.kind === 'folder') return redirectTo(folderLocation(found.path, head.query))
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

  /** What is known of the file, brought up to what fstat says now. */
  #noted(rawPath: string, known: KnownFile | undefined, { name, stat }: OpenedFile): KnownFile {
    const file = known?.name === name ? known : new KnownFile(name)
    file.update(stat)
    this.#known.keep(rawPath, file)
    return file
  }
}

function redirectTo(location: string): Reply {
  return { status: 301, fields: ['Location', location], body: null }
}

/**
 * What is said of an open file: the answer to GET and HEAD, once it is found.
 *
 *     conditions             304 or 412, RFC 9110 §13
 *     HEAD                   what GET would say, and nothing is read
 *     GET                    content.ts: the whole or a part
 *
 * The descriptor stays the caller's, unless it leaves in the reply's body.
 */
import { evaluateConditions } from '../../http/conditional.ts'
import type { RequestHead } from '../../http/head.ts'
import type { Fd } from '../../kernel/fd.ts'
import type { Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import { content } from './content.ts'
import type { KnownFile } from './known-files.ts'

export function represent(head: RequestHead, file: KnownFile, fd: Fd): Reply {
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

/** HEAD, RFC 9110 §9.3.2: what GET would say, Content-Length too, and the file is not read. It knows no ranges (§14.2). */
function headOf(file: KnownFile): Reply {
  return { status: 200, fields: file.fields, body: null, statedLength: file.size }
}

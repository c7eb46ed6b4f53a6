/**
 * The answer for a folder that is to be listed: a page, or JSON for whoever asks
 * for that.
 *
 *     read-folder.ts      what is in it
 *     sorting.ts          in which order
 *     listing-page.ts     the page
 *
 * Made anew for each request, and kept by nobody without asking again.
 */
import type { StaticOptions } from '../../config/options.ts'
import { qualityOf } from '../../http/accept.ts'
import { rfc3339 } from '../../http/date.ts'
import type { RequestHead } from '../../http/head.ts'
import { percentEncode } from '../../http/path-text.ts'
import type { Reply } from '../handler.ts'
import type { Finder, OpenedFolder } from './find.ts'
import { listingPage, listingPolicy } from './listing-page.ts'
import { type ListedPlace, placeOf } from './listing-place.ts'
import { type FolderContents, type FolderRules, readFolder } from './read-folder.ts'
import { comparatorOf, sortingOf } from './sorting.ts'

export type Lister = (head: RequestHead, folder: OpenedFolder) => Reply

/** Lists folders that `finder` has found. The folder's descriptor stays the caller's. */
export function createLister(finder: Finder, options: StaticOptions): Lister {
  const rules: FolderRules = {
    namesMax: options.listingEntriesMax,
    hidden: options.hidden,
    look: (name, into) => finder.look(name, into),
  }
  const pageFields = [...fieldsOf('text/html; charset=utf-8'), 'Content-Security-Policy', listingPolicy()]
  const jsonFields = fieldsOf('application/json; charset=utf-8')
  return (head, folder) => {
    const contents = readFolder(folder, rules)
    const sorting = sortingOf(head.query)
    const place = placeOf(head, folder.path)
    contents.entries.sort(comparatorOf(sorting))
    return wantsJson(head)
      ? { status: 200, fields: jsonFields, body: listingJson(place, contents) }
      : { status: 200, fields: pageFields, body: listingPage(place, contents, sorting) }
  }
}

/** no-cache (RFC 9111 §5.2.2.4): what is listed changes at any moment, and there is no validator to tell by. */
function fieldsOf(type: string): string[] {
  return ['Content-Type', type, 'X-Content-Type-Options', 'nosniff', 'Cache-Control', 'no-cache', 'Vary', 'Accept']
}

/** More than HTML: browsers, and clients that take anything, get the page. */
function wantsJson(head: RequestHead): boolean {
  const accept = head.field('accept')
  return qualityOf(accept, 'application', 'json') > qualityOf(accept, 'text', 'html')
}

/**
 * `url` leads to the entry from the folder's own address, and is what a program
 * should use: of a name that is no UTF-8, `name` has lone surrogates.
 */
function listingJson({ path }: ListedPlace, { entries, isWhole }: FolderContents): string {
  const told = entries.map(({ name, isFolder, size, mtimeMs }) => ({
    name,
    url: `${percentEncode(name)}${isFolder ? '/' : ''}`,
    type: isFolder ? 'directory' : 'file',
    ...(isFolder ? {} : { size }),
    mtime: rfc3339(mtimeMs),
  }))
  return JSON.stringify({ path, isWhole, entries: told })
}

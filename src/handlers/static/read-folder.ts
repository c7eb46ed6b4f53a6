/**
 * What is in an open folder, as far as a request could get it.
 *
 * Read through the descriptor, never by a path: what is listed is the folder that
 * was found, whatever was renamed meanwhile. Not listed: hidden files, unless they
 * are served; what is neither a file nor a folder; links that are not followed.
 * Files that may not be read are: they are there, and answered 403.
 */
import type { HiddenRule } from '../../config/options.ts'
import { textOfBytes } from '../../http/path-text.ts'
import { AT_SYMLINK_NOFOLLOW } from '../../kernel/constants.ts'
import { direntNames, getdents64 } from '../../kernel/directory.ts'
import { ENOENT, SyscallError } from '../../kernel/errno.ts'
import { fstatat, Stat } from '../../kernel/file.ts'
import { allocate, type Memory } from '../../kernel/memory.ts'
import type { OpenedFolder } from './find.ts'

export interface Entry {
  /** As text: a byte that is no UTF-8 stands as http/path-text.ts has it. */
  readonly name: string
  readonly isFolder: boolean
  /** In bytes; 0 for a folder. */
  readonly size: number
  /** Last change, in ms since 1970. */
  readonly mtimeMs: number
}

export interface FolderContents {
  readonly entries: Entry[]
  /** False: reading stopped at the limit, and there is more. */
  readonly isWhole: boolean
}

/** What stands between a folder and its list: the operator's options, and a look at where a link leads. */
export interface FolderRules {
  readonly namesMax: number
  readonly hidden: HiddenRule
  look(name: string, into: Stat): boolean
}

export function readFolder(folder: OpenedFolder, rules: FolderRules): FolderContents {
  const { names, isWhole } = readNames(folder, rules.namesMax)
  const entries: Entry[] = []
  for (const name of names) {
    if (rules.hidden === 'deny' && name.startsWith('.')) continue
    const entry = entryOf(folder, name, rules)
    if (entry !== null) entries.push(entry)
  }
  return { entries, isWhole }
}

/** Some hundred names a call. */
const DIRENT_BYTES = 32_768
/** Made at the first listing: most servers never list. */
let memory: Memory | null = null

function readNames({ fd, name }: OpenedFolder, most: number): { readonly names: string[]; readonly isWhole: boolean } {
  memory ??= allocate(DIRENT_BYTES)
  const names: string[] = []
  for (;;) {
    const length = getdents64(fd, memory)
    if (length === 0 || length === -ENOENT) return { names, isWhole: true } // ENOENT: the folder was removed
    if (length < 0) throw new SyscallError('getdents64', -length, name)
    for (const bytes of direntNames(memory, length)) {
      const text = textOfBytes(bytes)
      if (text === '.' || text === '..') continue
      if (names.length === most) return { names, isWhole: false }
      names.push(text)
    }
  }
}

const stat = new Stat()

function entryOf(folder: OpenedFolder, name: string, rules: FolderRules): Entry | null {
  if (fstatat(folder.fd, name, AT_SYMLINK_NOFOLLOW, stat) < 0) return null // gone since
  if (stat.isSymbolicLink && !rules.look(folder.name + name, stat)) return null
  if (!stat.isFile && !stat.isDirectory) return null
  const mtimeMs = stat.mtimeSeconds * 1_000 + Math.trunc(stat.mtimeNanoseconds / 1_000_000)
  return { name, isFolder: stat.isDirectory, size: stat.isDirectory ? 0 : stat.size, mtimeMs }
}

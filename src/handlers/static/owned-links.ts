/**
 * `symlinks: 'owner'`: a symbolic link is followed when whoever owns it owns what
 * it leads to as well, as Apache's SymLinksIfOwnerMatch and nginx's
 * disable_symlinks if_not_owner have it. On a machine of many users, nobody can
 * thereby have the server read for them what is not theirs.
 *
 * The kernel has no flag for it, so the path is walked here, one name at a time,
 * each opened beneath the folder before it and without following links. Nothing
 * is looked at by name twice: a link is read, and a file's owner asked, by the
 * descriptor that holds it. So no exchange of files between looking and opening
 * gets past the rule; Apache and nginx, which look and open by name, warn of that.
 *
 * `..` is the folder the walk came from, and above the root there is none:
 * nothing outside is reached, as with RESOLVE_BENEATH.
 *
 * What remains: a hard link is the file itself, its owner the file's; a file may
 * get another owner after it was opened. Neither is a symbolic link's doing;
 * fs.protected_hardlinks=1 is the kernel's answer to the first.
 */

import { textOfBytes } from '../../http/path-text.ts'
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../kernel/constants.ts'
import { readlinkat } from '../../kernel/directory.ts'
import { ELOOP, ENAMETOOLONG, EXDEV } from '../../kernel/errno.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { fstat, openat2, Stat } from '../../kernel/file.ts'

/** Links in one path, as the kernel has it (linux/namei.h, MAXSYMLINKS). */
const LINKS_MAX = 40
/** Each folder on the way holds a descriptor while the walk lasts. */
const FOLDERS_MAX = 256
const NO_LINKS = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS

/** A descriptor the caller must close, or a negative errno. */
export function openOwned(root: Fd, name: string, flags: number): number {
  const walk = new Walk(root, name, flags)
  try {
    return walk.toItsEnd()
  } finally {
    walk.close()
  }
}

/** A link that is being followed: once only `left` names are still to go, what was reached must be its owner's. */
interface Followed {
  readonly owner: number
  readonly left: number
}

class Walk {
  readonly #flags: number
  /** From the root, which is not ours to close, to where the walk is. */
  readonly #folders: Fd[]
  /** Names still to go, the next one last. */
  readonly #names: string[]
  readonly #followed: Followed[] = []
  readonly #stat = new Stat()
  #links = 0

  constructor(root: Fd, name: string, flags: number) {
    this.#flags = flags
    this.#folders = [root]
    this.#names = namesOf(name).reverse()
  }

  close(): void {
    while (this.#folders.length > 1) close(this.#folders.pop()!)
  }

  toItsEnd(): number {
    for (;;) {
      const name = this.#names.pop()!
      if (name === '..' && !this.#goBack()) return -EXDEV
      const isHere = name === '.' || name === '..'
      const isLast = this.#names.length === 0
      const flags = isLast ? this.#flags : O_PATH | O_DIRECTORY
      const opened = openat2(this.#here, isHere ? '.' : name, flags, NO_LINKS)
      if (opened === -ELOOP) {
        const errno = this.#follow(name)
        if (errno !== 0) return -errno
        continue
      }
      if (opened < 0) return opened
      const reached = opened as Fd
      fstat(reached, this.#stat)
      const isAllowed = this.#isAllowed()
      if (isLast && isAllowed) return reached
      if (isHere || !isAllowed) close(reached)
      else this.#folders.push(reached)
      if (!isAllowed) return -ELOOP
      if (this.#folders.length > FOLDERS_MAX) return -ENAMETOOLONG
    }
  }

  get #here(): Fd {
    return this.#folders[this.#folders.length - 1]!
  }

  #goBack(): boolean {
    if (this.#folders.length === 1) return false
    close(this.#folders.pop()!)
    return true
  }

  /** Puts what the link says in place of its name. 0, or why not. */
  #follow(name: string): number {
    this.#links += 1
    if (this.#links > LINKS_MAX) return ELOOP
    const opened = openat2(this.#here, name, O_PATH | O_NOFOLLOW, NO_LINKS)
    if (opened < 0) return -opened
    const link = opened as Fd
    try {
      if (!fstat(link, this.#stat).isSymbolicLink) {
        this.#names.push(name) // replaced this very moment: look again
        return 0
      }
      if (!this.#isAllowed()) return ELOOP
      const target = textOfBytes(readlinkat(link))
      if (target.startsWith('/')) return EXDEV
      this.#followed.push({ owner: this.#stat.uid, left: this.#names.length })
      this.#names.push(...namesOf(target).reverse())
      return 0
    } finally {
      close(link)
    }
  }

  /** Whether `#stat` tells of something that may be here: at the end of a link's way, only what is its owner's. */
  #isAllowed(): boolean {
    const link = this.#followed[this.#followed.length - 1]
    if (link === undefined || link.left !== this.#names.length) return true
    this.#followed.pop()
    return link.owner === this.#stat.uid
  }
}

/** The names in a path. One with a slash at its end is a folder's: '.' stands for that. */
function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '')
  return path.endsWith('/') || names.length === 0 ? [...names, '.'] : names
}

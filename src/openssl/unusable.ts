/**
 * That something cannot be used, where OpenSSL was given several: an error that knows
 * which. What file its bytes are from, only whoever has read them can say.
 */
import { OpensslError } from './errors.ts'

export class UnusableError extends OpensslError {
  /** They may be a secret: nothing that prints an error shows them. */
  readonly #bytes: Buffer

  constructor({ code, what, why }: OpensslError, bytes: Buffer) {
    super(code, what, why)
    this.name = 'UnusableError'
    this.#bytes = bytes
  }

  get bytes(): Buffer {
    return this.#bytes
  }
}

/** What is thrown by OpenSSL is about these bytes. Null: about none in particular. */
export function using<T>(bytes: Buffer | null, use: () => T): T {
  try {
    return use()
  } catch (error) {
    throw bytes !== null && error instanceof OpensslError ? new UnusableError(error, bytes) : error
  }
}

type List = 'ciphers' | 'ciphersuites' | 'groups'

/** A list with colons between, or what stands in it for itself: it cannot be used. */
export class UnusableListError extends OpensslError {
  readonly list: List
  readonly text: string
  /** The whole list it is: each in it can be used by itself. */
  readonly isWhole: boolean

  constructor({ code, message }: OpensslError, list: List, text: string, isWhole: boolean) {
    super(code, `${list} '${text}'`, message)
    this.name = 'UnusableListError'
    this.list = list
    this.text = text
    this.isWhole = isWhole
  }
}

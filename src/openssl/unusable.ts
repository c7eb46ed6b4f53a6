/**
 * That something cannot be used, where OpenSSL was given several: an error that knows
 * which. What file its bytes are from, only whoever has read them can say.
 */
import { OpensslError } from './errors.ts'

export class UnusableError extends OpensslError {
  /** They may be a secret: nothing that prints an error shows them. */
  readonly #bytes: Buffer

  constructor({ code, message }: OpensslError, bytes: Buffer) {
    super(code, message)
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

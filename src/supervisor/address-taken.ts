/**
 * Somebody listens at an address already: told apart from all else that may keep a listener from being had, for
 * `prefork check`, which knows a server whose it may be.
 */
import { OperatorError } from '../config/operator-error.ts'

export class AddressTaken extends OperatorError {}

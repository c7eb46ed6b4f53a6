/**
 * Whoever looks at the server from outside, on a pretended machine: the operator,
 * who asks for things and reads the log; a service manager; a predecessor. What
 * each was told is kept for the test.
 */
import { PretendMachine } from './pretend-machine.test.support.ts'
import type { Generation } from './roster.ts'

export class PretendOutside extends PretendMachine {
  /** What the operator was told. */
  readonly said: string[] = []
  /** What other programs were told: a service manager, a predecessor, whoever passes connections on. */
  readonly told: string[] = []
  /** What whoever asked for a reload was answered: all of it, for each. */
  readonly answers: (string | null)[][] = []

  /** As `prefork reload` asks. */
  reload(): void {
    const answers: (string | null)[] = []
    this.answers.push(answers)
    this.happen({ type: 'reload', reply: (failure) => answers.push(failure) })
  }

  announce(): void {
    this.did('announce')
  }

  relievePredecessor(): void {
    this.told.push('relieved')
  }

  beginReload(): void {
    this.told.push('reloading')
  }

  endReload({ number }: Generation): void {
    this.told.push(`generation ${number} serves`)
  }

  beginEnding(): void {
    this.told.push('ending')
  }

  stopAccepting(): void {
    this.told.push('accepts no more')
  }

  warn(message: string): void {
    this.said.push(`warn ${message}`)
  }

  error(message: string): void {
    this.said.push(`error ${message}`)
  }

  info(message: string): void {
    this.said.push(`info ${message}`)
  }
}

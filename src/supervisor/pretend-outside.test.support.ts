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
  readonly saidAt: number[] = []
  /** What other programs were told: a service manager, a predecessor, whoever passes connections on. */
  readonly told: string[] = []
  /** What whoever asked for a reload was answered: all of it, for each. */
  readonly answers: (string | null)[][] = []
  /** When each was answered first. */
  readonly answeredAt: number[] = []
  /** What workers were told last: how many they are. */
  workersTold = 0

  /** As `prefork reload` asks. */
  reload(): void {
    const answers: (string | null)[] = []
    this.answers.push(answers)
    const reply = (failure: string | null) => {
      if (answers.push(failure) === 1) this.answeredAt[this.answers.indexOf(answers)] = this.now()
    }
    this.happen({ type: 'reload', reply })
  }

  tellWorkers(count: number): void {
    this.workersTold = count
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
    this.#say(`warn ${message}`)
  }

  error(message: string): void {
    this.#say(`error ${message}`)
  }

  info(message: string): void {
    this.#say(`info ${message}`)
  }

  #say(sentence: string): void {
    this.said.push(sentence)
    this.saidAt.push(this.now())
  }
}

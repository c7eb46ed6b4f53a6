/**
 * The thread that computes bcrypt for its worker (password.ts). JavaScript takes
 * a tenth of a second for one hash, which a worker's loop must not stand still
 * for; with a thread, a guesser costs processor time, and nobody else's answers.
 */
import { parentPort } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'

interface Question {
  readonly password: string
  readonly hash: string
}

parentPort!.on('message', ({ password, hash }: Question) => {
  parentPort!.postMessage(compareSync(password, hash))
})

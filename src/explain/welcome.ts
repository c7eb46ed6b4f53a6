/**
 * What `prefork explain` says before it begins.
 */
import { describeListen } from '../config/address.ts'
import type { Config } from '../config/options.ts'

export function welcome({ listen, model }: Pick<Config, 'listen' | 'model'>, isAll: boolean): string[] {
  return `\
prefork explain: the server starts, and tells of each system call that it makes:
which process makes it, the call with what was given and what came back, and
what it is for. ${isAll ? 'Nothing is left out; most of it is housekeeping.' : 'What tells no part of the story is left out; --all has it.'}

This is for learning. It is slow, and serves real clients all the same.
Once it listens, be one of them, in another terminal or in a browser:

    ${tryIt(listen)}

The model is '${model}'; ${OTHERS[model]}
Ctrl-C ends it, and that is told as well.
`.split('\n')
}

const OTHERS: Readonly<Record<Config['model'], string>> = {
  event: '--model fork forks for each connection, as the lesson.',
  prefork: '--model fork forks for each connection, as the lesson.',
  fork: 'without --model one worker holds many connections.',
}

function tryIt([first]: Config['listen']): string {
  const scheme = first?.isSecure === true ? 'https' : 'http'
  if (first?.kind === 'unix') return `curl --unix-socket ${first.path} ${scheme}://localhost/`
  if (first?.kind !== 'tcp' || first.port === 0) {
    return `curl ${scheme}://… (the address comes after "Server listening on")`
  }
  // Every address of the machine: this one is among them.
  return `curl ${scheme}://${describeListen({ ...first, host: LOOPBACKS[first.host] ?? first.host })}/`
}

const LOOPBACKS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Under which conditions figures came to be: one line, to stand above them. */
import { availableParallelism, cpus, release } from 'node:os'
import { wrkVersion } from './wrk.mjs'

export function conditionsOf(rounds, seconds) {
  return [
    `${new Date().toISOString().slice(0, 10)}`,
    `${availableParallelism()} cores (${cpus()[0].model.trim()})`,
    `Linux ${release()}`,
    `Node ${process.versions.node}`,
    `wrk ${wrkVersion()}`,
    `medians of ${rounds} rounds of ${seconds} s`,
  ].join(' · ')
}

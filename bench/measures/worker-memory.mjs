/**
 * What one more worker costs: the memory that is its own, as it is born and once it
 * has served. What it shares with its parent or with other copies of one program is
 * there anyway.
 */
import { privateBytesOfWorkers } from '../processes.mjs'
import { PIN_LOAD } from '../program.mjs'
import { drive, wrkVersion } from '../wrk.mjs'

export const columns = ['server', 'freshBytes', 'usedBytes', 'failures']
export const tools = () => [`wrk ${wrkVersion()}`]
export const workersFor = () => 2
/** Whoever is warmed is not fresh any more. */
export const isCold = true

export async function measure(program, { path, load }, seconds) {
  const freshBytes = privateBytesOfWorkers(program.pid)
  const { failures } = await drive(program.url(path), load, seconds, PIN_LOAD)
  return { freshBytes, usedBytes: privateBytesOfWorkers(program.pid), failures }
}

/**
 * Reads the configuration in a process of its own, for a reload: a module that
 * has been imported once would not be read again, and the supervisor runs no
 * code but ours.
 *
 *     node dist/src/supervisor/read-config.js <fd> [the server's own arguments]
 *
 * Writes { config } or { failure } into the descriptor it inherits, as JSON.
 */
import { parseCommandLine } from '../config/command-line.ts'
import { loadConfig } from '../config/load.ts'
import { OperatorError, summarizeOperatorError } from '../config/operator-error.ts'
import { startFolder } from '../config/start-folder.ts'
import { must } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import { write } from '../kernel/file.ts'

const [fd, ...argv] = process.argv.slice(2)

const read = async () => loadConfig(parseCommandLine(argv), process.env, startFolder())
const result = await read().then(
  (config) => ({ config }),
  (error: unknown) => {
    if (!(error instanceof OperatorError)) throw error
    return { failure: summarizeOperatorError(error) }
  },
)
const bytes = Buffer.from(JSON.stringify(result))
for (let at = 0; at < bytes.length; ) at += must(write(Number(fd) as Fd, bytes.subarray(at)), 'write', 'of the result')
process.exit(0) // whatever the configuration file may have left running

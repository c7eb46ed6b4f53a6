/**
 * What the commands of this folder have in common: how they end, and numbers among
 * their options.
 */
import { fileURLToPath } from 'node:url'

/**
 * Runs `main` when the module at `url` is the program, not somebody's import; its
 * result is the exit code. However it ends, by a signal or an error as well,
 * `stopAll` ends what was started.
 */
export async function runAsProgram(url, main, stopAll) {
  if (process.argv[1] !== fileURLToPath(url)) return
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, async () => {
      await stopAll()
      process.exit(1)
    })
  }
  try {
    process.exitCode = await main()
  } catch (error) {
    await stopAll()
    console.error(error.message)
    process.exitCode = 1
  }
}

/** The whole number, 1 or more, that `--name` was given. */
export function count(name, text) {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} is '${text}'; give a whole number, 1 or more`)
  return Number(text)
}

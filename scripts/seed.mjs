/**
 * Runs one of the lesson's programs: `npm run seed -- 04 9000` starts the compiled
 * examples/seed/04-fork-per-connection.ts on port 9000. Without a name, lists them.
 *
 * The program inherits this one's input and output. It is a process of its own
 * because it needs flags that Node takes only at its start.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const sources = join(root, 'examples/seed')
/** fork copies one thread only, so the process that forks must have but one. */
const FORKING = ['--single-threaded', '--v8-pool-size=0']
const flagsOf = { '04-fork-per-connection': FORKING, '07-prefork': FORKING }

const names = readdirSync(sources)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .sort()

const [wanted, ...args] = process.argv.slice(2)
if (wanted === undefined) list()
else run(programNamed(wanted), args)

function list() {
  console.log('npm run seed -- <program> [port]\n')
  for (const name of names) console.log(`  ${name.padEnd(24)} ${firstSentence(name)}`)
}

/** A program says what it is in the first lines of its header: ` * 03: accept takes one connection off the queue.` */
function firstSentence(name) {
  const source = readFileSync(join(sources, `${name}.ts`), 'utf8')
  return /^ \* \d+: ([^.]+)\./m.exec(source)?.[1].replace(/\n \* /g, ' ') ?? ''
}

/** By number (`04`, `4`) or by name, with or without `.ts`. */
function programNamed(text) {
  const asked = text.replace(/\.ts$/, '')
  const found = names.find((name) => name === asked || Number.parseInt(name, 10) === Number(asked))
  if (found === undefined) leave(`There is no program "${text}". They are: ${names.join(', ')}.`)
  return found
}

function run(name, args) {
  const file = join(root, 'dist/examples/seed', `${name}.js`)
  if (!existsSync(file)) leave('The programs are not compiled yet: npm run build')
  const [port] = args
  if (port !== undefined && !isPort(port)) leave(`The port is a number from 0 to 65535, not "${port}".`)

  const child = spawn(process.execPath, [...(flagsOf[name] ?? []), file, ...args], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}

function isPort(text) {
  return /^\d+$/.test(text) && Number(text) <= 65_535
}

function leave(sentence) {
  console.error(sentence)
  process.exit(1)
}

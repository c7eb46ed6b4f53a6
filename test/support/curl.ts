/**
 * curl as a test uses it: a client that nobody here wrote.
 *
 *     const { status, fields, body } = await curl(['-H', 'Range: bytes=0-3', url])
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'

/** What a test's `skip` option takes: false when the command is there, else why the test is skipped. */
export function unless(command: string): string | false {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.some((folder) => isExecutable(join(folder, command))) ? false : `${command} is not installed`
}

export interface Answer {
  readonly status: number
  /** `HTTP/1.1 200 OK` */
  readonly statusLine: string
  readonly fields: Headers
  readonly body: Buffer
  readonly text: string
}

/** One answer; interim ones (100) and those of followed redirects are left out. Fails when curl does. */
export async function curl(args: readonly string[], input?: string | Uint8Array): Promise<Answer> {
  return parseAnswer(await run('curl', ['--silent', '--show-error', '--max-time', '120', '--include', ...args], input))
}

/** What a command writes to stdout. Fails unless it exits with 0. */
export async function run(command: string, args: readonly string[], input?: string | Uint8Array): Promise<Buffer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => resolve(signal ?? code))
  })
  child.stdin.on('error', () => {}) // it may end without having read everything
  child.stdin.end(input)
  const [stdout, stderr] = await Promise.all([collect(child.stdout), collect(child.stderr)])
  assert.equal(await ended, 0, `${command} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Says `bytes` on a connection of its own and hears until the server closes. For what no client would say. */
export async function say(port: number, bytes: string | Uint8Array, host = '127.0.0.1'): Promise<string> {
  const socket = connect({ port, host })
  socket.write(bytes)
  return (await collect(socket)).toString('latin1')
}

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function parseAnswer(bytes: Buffer): Answer {
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    assert.ok(end > 0, `not an answer: ${bytes.toString('latin1')}`)
    const [statusLine, ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n')
    rest = rest.subarray(end + 4)
    if (rest.subarray(0, 7).toString('latin1') === 'HTTP/1.') continue // a head follows this one
    const fields = new Headers(lines.map((line) => split(line)))
    return {
      status: Number(statusLine!.split(' ')[1]),
      statusLine: statusLine!,
      fields,
      body: rest,
      text: rest.toString(),
    }
  }
}

function split(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

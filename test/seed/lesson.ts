/**
 * The lesson's programs as a test starts them, and the clients that talk to them.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Program, startProgram } from '../support/program.ts'

const programs = join(import.meta.dirname, '../../examples/seed')
/** As scripts/seed.mjs has it: fork copies one thread only. */
const FORKING = ['--single-threaded', '--v8-pool-size=0']

/** A program of examples/seed/, by its file's name; `0` lets the kernel choose the port. */
export function startLesson(t: TestContext, name: string, args: readonly string[] = ['0']): Program {
  const flags = /^0[47]/.test(name) ? FORKING : []
  return startProgram(t, [...flags, join(programs, `${name}.js`), ...args])
}

/** The port that a line tells of: `… on port 8080...`, `… on 127.0.0.1:8080`. */
export function portIn(line: string): number {
  const [, port] = /[ :](\d+)(?:\.\.\.)?$/.exec(line) ?? []
  if (port === undefined) throw new Error(`no port in "${line}"`)
  return Number(port)
}

/** A connected client, gone with the test. */
export async function connectTo(t: TestContext, port: number): Promise<Socket> {
  const client = connect(port, '127.0.0.1')
  t.after(() => client.destroy())
  await once(client, 'connect')
  return client
}

/** All bytes until the other side has closed; an error (a reset) rejects. */
export async function readToEnd(client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of client) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** `127.0.0.1:51234`: this client, as the server sees it. To be asked while it is connected. */
export function nameOf(client: Socket): string {
  return `127.0.0.1:${client.localPort}`
}

/** A port that somebody else has. */
export async function takenPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as { port: number }).port
}

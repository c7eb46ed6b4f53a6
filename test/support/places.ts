/**
 * A client for wherever a server may listen: on either family of TCP, or on a
 * Unix socket.
 */
import { connect as connectSocket } from 'node:net'
import type { TestContext } from 'node:test'
import { RawClient } from './raw.ts'

export type Place = { readonly host: string; readonly port: number } | { readonly path: string }

/** Connected, and gone with the test. By the kernel's word: nobody need have accepted it. */
export async function connectTo(t: TestContext, place: Place): Promise<RawClient> {
  const socket = connectSocket({ ...place, allowHalfOpen: true })
  t.after(() => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return new RawClient(socket)
}

/** A connection on which a request has been written whole. */
export async function askedAt(t: TestContext, place: Place): Promise<RawClient> {
  const client = await connectTo(t, place)
  await client.sendPieces(['GET / HTTP/1.0\r\n\r\n'])
  return client
}

/** The body of the answer. */
export async function answerAt(t: TestContext, place: Place): Promise<string> {
  return (await (await askedAt(t, place)).response()).body.toString()
}

/** Nobody listens there. */
export function refuses(t: TestContext, place: Place): Promise<boolean> {
  return connectTo(t, place).then(
    (client) => {
      client.leave()
      return false
    },
    () => true,
  )
}

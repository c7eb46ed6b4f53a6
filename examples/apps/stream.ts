/**
 * Server-sent events: the time, once a second, ten times. Each goes out as it
 * is written, and the clock stops when the client leaves.
 *
 *     curl -N http://127.0.0.1:8080/
 *     curl -N 'http://127.0.0.1:8080/?ticks=3&ms=100'
 */
import { setTimeout as sleep } from 'node:timers/promises'

const TICKS_MAX = 1_000
const TICK_MS_MAX = 10_000

export default {
  fetch(request: Request): Response {
    const { searchParams } = new URL(request.url)
    const ticks = numberIn(searchParams.get('ticks') ?? '10', TICKS_MAX)
    const tickMs = numberIn(searchParams.get('ms') ?? '1000', TICK_MS_MAX)
    return new Response(ReadableStream.from(events(ticks, tickMs, request.signal)), {
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
    })
  },
}

async function* events(ticks: number, tickMs: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for (let id = 1; id <= ticks; id++) {
    if (id > 1) await sleep(tickMs, undefined, { signal })
    yield encoder.encode(`id: ${id}\ndata: ${new Date().toISOString()}\n\n`)
  }
}

function numberIn(text: string, max: number): number {
  const number = Number.parseInt(text, 10)
  return Number.isNaN(number) ? 0 : Math.min(Math.max(number, 0), max)
}

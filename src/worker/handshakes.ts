/**
 * What becomes of each handshake of TLS: it is counted in the worker's row, and told
 * to whoever watches the connection (tracer.ts). One that has failed is told in the log
 * as well, at `debug`: it is a stranger's doing, and strangers must not fill a log.
 *
 * Who speaks no TLS is answered by the transport, and what he says never comes to the head parser. Here that is
 * made a request that was refused, as on a port without TLS: counted, and a line of the access log.
 *
 * It asks nothing of the connection that is not known anyway, and nothing once the
 * handshake is over.
 */
import { hostOf } from '../kernel/sockaddr.ts'
import { PLAIN_ANSWER, TlsTransport } from '../net/tls-transport.ts'
import type { Secure, Transport } from '../net/transport.ts'
import { CLOCK_OFFSET_MS, monotonicMs } from '../scoreboard.ts'
import { RECORD } from '../trace/records.ts'
import type { Ledger } from './ledger.ts'
import type { Service } from './service.ts'
import type { Traceable } from './tracer.ts'

export interface Witnessed extends Traceable {
  /** Null where there is no access log. */
  readonly ledger: Ledger | null
}

/** Right after accept4(2). Without TLS there is nothing to see. */
export function witnessHandshake(transport: Transport, of: Witnessed, service: Service): void {
  if (!(transport instanceof TlsTransport)) return
  const beganAt = service.loop.now
  transport.onHandshake = (result, why) => {
    service.row.countHandshake(result)
    if (result === 'failed') return expectPlainAnswer(transport, tellFailure(why, beganAt, of, service), of, service)
    of.trace?.write(monotonicMs(), RECORD.secured, 0, 0, 0, 0, factsOf(transport.secure))
  }
}

function factsOf({ version, cipher, serverName, isResumed, isSentByKernel }: Secure): string {
  const facts = `${version}, ${cipher}${serverName === null ? '' : ` for ${serverName}`}${isResumed ? ', by a ticket' : ''}`
  return isSentByKernel ? `${facts}; the kernel encrypts what is sent` : facts
}

/** When that was. */
function tellFailure(why: string | null, beganAt: number, of: Traceable, service: Service): number {
  const reason = why ?? whyEnded(beganAt, service)
  service.log.debug(`TLS handshake of ${hostOf(of.peer)} at ${of.localAuthority} failed: ${reason}`)
  // Of one that we end the close is told of with the time at which it began: this comes before it.
  const atMs = why === null ? service.loop.now + CLOCK_OFFSET_MS : monotonicMs()
  of.trace?.write(atMs, RECORD.handshakeFailed, 0, 0, 0, 0, reason)
  return atMs
}

/** It follows at once, if any does: traced with the time before it, for what it leads to may come before the call has returned. */
function expectPlainAnswer(
  transport: TlsTransport,
  atMs: number,
  { trace, ledger }: Witnessed,
  service: Service,
): void {
  const { status, length, bodyLength } = PLAIN_ANSWER
  transport.onPlainAnswer = (sent) => {
    trace?.write(atMs, RECORD.response, status)
    trace?.write(atMs, RECORD.sent, sent, length)
    trace?.write(atMs, RECORD.shutdown, 0)
    service.begin(transport.fd)
    service.answered(transport.fd)
    service.row.addSent(Math.max(0, sent))
    ledger?.answeredPlainly(status, sent === length ? bodyLength : null)
  }
}

/** Of one that was in the midst when its connection was ended, and not by what the client said. */
function whyEnded(beganAt: number, { loop, timeouts, closesIdle, hasRoom }: Service): string {
  if (loop.now - beganAt >= timeouts.headMs) return 'it took longer than timeouts.headMs'
  if (closesIdle) return 'the worker ends'
  return hasRoom ? 'the client broke the connection' : 'the client broke the connection, or its place was needed'
}

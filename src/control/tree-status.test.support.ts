/** Parts of a status document, for tests that need one and do not look at them. */
import type { TotalStatus } from './tree-status.ts'

/** Of a server that has done nothing, and speaks no TLS. */
export const NO_TOTALS: TotalStatus = {
  workers: 0,
  connections: 0,
  active: 0,
  requests: 0,
  accepted: 0,
  bytesSent: 0,
  handshakes: null,
  pssBytes: null,
}

/** Makes OCSP responses as an authority does, for certificates of makeCertificate. */
import { allocate } from '../kernel/memory.ts'
import { mustSucceed } from './errors.ts'
import { bindSsl } from './libssl.ts'
import type { MadePair } from './make-certificate.ts'
import { type Certificate, freeCertificate, freeKey, readCertificates, readKey } from './pem.ts'

const P = 'uintptr_t'
const libcrypto = {
  OCSP_BASICRESP_new: bindSsl('OCSP_BASICRESP_new', P, []),
  OCSP_BASICRESP_free: bindSsl('OCSP_BASICRESP_free', 'void', [P]),
  OCSP_cert_to_id: bindSsl('OCSP_cert_to_id', P, [P, P, P]),
  OCSP_CERTID_free: bindSsl('OCSP_CERTID_free', 'void', [P]),
  OCSP_basic_add1_status: bindSsl('OCSP_basic_add1_status', P, [P, P, 'int', 'int', P, P, P]),
  OCSP_basic_sign: bindSsl('OCSP_basic_sign', 'int', [P, P, P, P, P, 'uint64_t']),
  OCSP_response_create: bindSsl('OCSP_response_create', P, ['int', P]),
  OCSP_RESPONSE_free: bindSsl('OCSP_RESPONSE_free', 'void', [P]),
  i2d_OCSP_RESPONSE: bindSsl('i2d_OCSP_RESPONSE', 'int', [P, P]),
  ASN1_GENERALIZEDTIME_adj: bindSsl('ASN1_GENERALIZEDTIME_adj', P, [P, 'long', 'int', 'long']),
  ASN1_GENERALIZEDTIME_free: bindSsl('ASN1_GENERALIZEDTIME_free', 'void', [P]),
  EVP_sha1: bindSsl('EVP_sha1', P, []),
  EVP_sha256: bindSsl('EVP_sha256', P, []),
}

export interface OcspWishes {
  /** Whom it is about, in PEM; one after the other. */
  readonly of: readonly string[]
  readonly issuer: MadePair
  readonly verdict?: 'good' | 'revoked' | 'unknown'
  /** By which its issuer is named. */
  readonly digest?: 'sha1' | 'sha256'
  /** From now, in seconds; null: it does not say. */
  readonly nextUpdate?: number | null
  readonly thisUpdate?: number
}

const VERDICTS = { good: 0, revoked: 1, unknown: 2 } as const
const HOUR_SECONDS = 3_600
const DAY_SECONDS = 86_400
const NO_REASON = -1

/** In DER; `thisUpdate` is an hour ago unless it is asked for, and so is a revocation. */
export function makeOcspResponse({ of, issuer, verdict = 'good', digest = 'sha1', ...more }: OcspWishes): Buffer {
  const { nextUpdate = DAY_SECONDS, thisUpdate = -HOUR_SECONDS } = more
  const [authority] = readCertificates(Buffer.from(issuer.certificate)) as [Certificate]
  const key = readKey(Buffer.from(issuer.key), null)
  const basic = mustSucceed(libcrypto.OCSP_BASICRESP_new(), 'OCSP_BASICRESP_new')
  const times = [timeIn(thisUpdate), ...(nextUpdate === null ? [] : [timeIn(nextUpdate)])]
  for (const pem of of) {
    const [subject] = readCertificates(Buffer.from(pem)) as [Certificate]
    const by = digest === 'sha1' ? libcrypto.EVP_sha1() : libcrypto.EVP_sha256()
    const id = mustSucceed(libcrypto.OCSP_cert_to_id(by, subject, authority), 'OCSP_cert_to_id')
    const revokedAt = verdict === 'revoked' ? times[0]! : 0
    const args = [VERDICTS[verdict], NO_REASON, revokedAt, times[0]!, times[1] ?? 0] as const
    mustSucceed(libcrypto.OCSP_basic_add1_status(basic, id, ...args), 'OCSP_basic_add1_status')
    libcrypto.OCSP_CERTID_free(id)
    freeCertificate(subject)
  }
  mustSucceed(libcrypto.OCSP_basic_sign(basic, authority, key, libcrypto.EVP_sha256(), 0, 0), 'OCSP_basic_sign')
  const response = mustSucceed(libcrypto.OCSP_response_create(0, basic), 'OCSP_response_create')
  const der = allocate(mustSucceed(libcrypto.i2d_OCSP_RESPONSE(response, 0), 'i2d_OCSP_RESPONSE'))
  const place = allocate(8)
  place.bytes.writeBigUInt64LE(BigInt(der.address))
  libcrypto.i2d_OCSP_RESPONSE(response, place.address)
  libcrypto.OCSP_RESPONSE_free(response)
  libcrypto.OCSP_BASICRESP_free(basic)
  for (const time of times) libcrypto.ASN1_GENERALIZEDTIME_free(time)
  freeKey(key)
  freeCertificate(authority)
  return der.bytes
}

function timeIn(seconds: number): number {
  const now = Math.floor(Date.now() / 1_000)
  return mustSucceed(libcrypto.ASN1_GENERALIZEDTIME_adj(0, now, 0, seconds), 'ASN1_GENERALIZEDTIME_adj')
}

/** RFC 6960 §4.2.1: that there is no answer, and why: 1 malformedRequest, 2 internalError, 3 tryLater, 6 unauthorized. */
export function noOcspAnswer(status: 1 | 2 | 3 | 5 | 6): Buffer {
  return Buffer.from([0x30, 3, 0x0a, 1, status])
}

/**
 * OCSP responses (RFC 6960), as whoever staples one looks into it beforehand: is it an
 * answer, is it about this certificate, and what does it say? Whether it is signed by
 * whom it should be is the client's to judge. No connection asks.
 *
 * https://docs.openssl.org/3.0/man3/OCSP_response_status/
 * https://docs.openssl.org/3.0/man3/OCSP_resp_find_status/
 * https://docs.openssl.org/3.0/man3/OCSP_cert_to_id/
 */
import { copyMemory } from '../kernel/libc.ts'
import { allocate } from '../kernel/memory.ts'
import { clearErrors } from './errors.ts'
import { bindIfThere, bindSsl, bindText } from './libssl.ts'
import { type Certificate, readDer, withCertificate } from './pem.ts'

const P = 'uintptr_t'
const libcrypto = {
  X509_get0_serialNumber: bindSsl('X509_get0_serialNumber', P, [P]),
  ASN1_INTEGER_cmp: bindSsl('ASN1_INTEGER_cmp', 'int', [P, P]),
  ASN1_STRING_length: bindSsl('ASN1_STRING_length', 'int', [P]),
  ASN1_STRING_get0_data: bindSsl('ASN1_STRING_get0_data', P, [P]),
  OBJ_obj2nid: bindSsl('OBJ_obj2nid', 'int', [P]),
  OBJ_nid2sn: bindText('OBJ_nid2sn', ['int']),
  EVP_get_digestbyname: bindSsl('EVP_get_digestbyname', P, ['str']),
}

/** OpenSSL can be built without: then nothing is judged here. */
const ocsp = bindIfThere(() => ({
  d2i_OCSP_RESPONSE: bindSsl('d2i_OCSP_RESPONSE', P, [P, P, 'long']),
  OCSP_RESPONSE_free: bindSsl('OCSP_RESPONSE_free', 'void', [P]),
  OCSP_response_status: bindSsl('OCSP_response_status', 'int', [P]),
  OCSP_response_status_str: bindText('OCSP_response_status_str', ['long']),
  OCSP_response_get1_basic: bindSsl('OCSP_response_get1_basic', P, [P]),
  OCSP_BASICRESP_free: bindSsl('OCSP_BASICRESP_free', 'void', [P]),
  OCSP_resp_count: bindSsl('OCSP_resp_count', 'int', [P]),
  OCSP_resp_get0: bindSsl('OCSP_resp_get0', P, [P, 'int']),
  OCSP_SINGLERESP_get0_id: bindSsl('OCSP_SINGLERESP_get0_id', P, [P]),
  OCSP_id_get0_info: bindSsl('OCSP_id_get0_info', 'int', [P, P, P, P, P]),
  OCSP_cert_to_id: bindSsl('OCSP_cert_to_id', P, [P, P, P]),
  OCSP_id_cmp: bindSsl('OCSP_id_cmp', 'int', [P, P]),
  OCSP_CERTID_free: bindSsl('OCSP_CERTID_free', 'void', [P]),
  OCSP_single_get0_status: bindSsl('OCSP_single_get0_status', 'int', [P, P, P, P, P]),
}))

type Ocsp = NonNullable<typeof ocsp>

export interface OcspResponse {
  /** §4.2.1, OCSPResponseStatus, in OpenSSL's words: `trylater`. Null: successful. */
  readonly failure: string | null
  /** What it says of the certificate. Null: nothing, but maybe of others. */
  readonly answer: OcspAnswer | null
}

/** Times are in milliseconds since 1970; null where there is none. */
export interface OcspAnswer {
  readonly verdict: 'good' | 'revoked' | 'unknown'
  readonly revokedAt: number | null
  readonly thisUpdate: number | null
  readonly nextUpdate: number | null
}

/** Whether it is a response at all, whatever it says. */
export function isOcspResponse(der: Buffer): boolean {
  if (ocsp === null) return der[0] === DER_SEQUENCE
  const response = readDer(ocsp.d2i_OCSP_RESPONSE, der)
  ocsp.OCSP_RESPONSE_free(response)
  clearErrors()
  return response !== 0
}

const DER_SEQUENCE = 0x30

/**
 * What it says of `leaf`, that `issuer` has issued: both in DER. Without the issuer it is the serial number alone by which
 * they are held together. Null: it cannot be looked into.
 */
export function readOcspResponse(der: Buffer, leaf: Buffer, issuer: Buffer | null): OcspResponse | null {
  if (ocsp === null) return null
  const response = readDer(ocsp.d2i_OCSP_RESPONSE, der)
  try {
    return response === 0 ? null : lookInto(ocsp, response, leaf, issuer)
  } finally {
    ocsp.OCSP_RESPONSE_free(response)
    clearErrors()
  }
}

function lookInto(ocsp: Ocsp, response: number, leaf: Buffer, issuer: Buffer | null): OcspResponse {
  const status = ocsp.OCSP_response_status(response)
  if (status !== OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return { failure: ocsp.OCSP_response_status_str(status), answer: null }
  }
  const basic = ocsp.OCSP_response_get1_basic(response)
  if (basic === 0) return { failure: 'unknown type', answer: null }
  try {
    const answer = withCertificate(leaf, (subject) => {
      if (issuer === null) return findAnswer(ocsp, basic, subject, null)
      return withCertificate(issuer, (it) => findAnswer(ocsp, basic, subject, it))
    })
    return { failure: null, answer }
  } finally {
    ocsp.OCSP_BASICRESP_free(basic)
  }
}

function findAnswer(ocsp: Ocsp, basic: number, subject: Certificate, issuer: Certificate | null): OcspAnswer | null {
  for (let i = 0; i < ocsp.OCSP_resp_count(basic); i++) {
    const single = ocsp.OCSP_resp_get0(basic, i)
    if (isAbout(ocsp, ocsp.OCSP_SINGLERESP_get0_id(single), subject, issuer)) return answerIn(ocsp, single)
  }
  return null
}

/** §4.1.1, CertID: hashes of its issuer's name and key, by a digest that the responder has chosen, and its serial number. */
function isAbout(ocsp: Ocsp, id: number, subject: Certificate, issuer: Certificate | null): boolean {
  ocsp.OCSP_id_get0_info(0, pointers.address, 0, pointers.address + 8, id)
  const serial = pointerAt(1)
  const digest = libcrypto.EVP_get_digestbyname(libcrypto.OBJ_nid2sn(libcrypto.OBJ_obj2nid(pointerAt(0))))
  if (issuer === null || digest === 0) {
    return libcrypto.ASN1_INTEGER_cmp(serial, libcrypto.X509_get0_serialNumber(subject)) === 0
  }
  const wanted = ocsp.OCSP_cert_to_id(digest, subject, issuer)
  const isSame = wanted !== 0 && ocsp.OCSP_id_cmp(wanted, id) === 0
  ocsp.OCSP_CERTID_free(wanted)
  return isSame
}

function answerIn(ocsp: Ocsp, single: number): OcspAnswer {
  pointers.bytes.fill(0)
  const { address } = pointers
  const status = ocsp.OCSP_single_get0_status(single, 0, address, address + 8, address + 16)
  return {
    verdict: VERDICTS[status] ?? 'unknown',
    revokedAt: timeOf(pointerAt(0)),
    thisUpdate: timeOf(pointerAt(1)),
    nextUpdate: timeOf(pointerAt(2)),
  }
}

/** What a function hands out beside its result. */
const pointers = allocate(24)

function pointerAt(i: number): number {
  return Number(pointers.bytes.readBigUInt64LE(8 * i))
}

/** §4.2.2.1 has them as GeneralizedTime, RFC 5280 §4.1.2.5.2 in this form alone. */
function timeOf(time: number): number | null {
  if (time === 0) return null
  const text = copyMemory(libcrypto.ASN1_STRING_get0_data(time), libcrypto.ASN1_STRING_length(time)).toString('latin1')
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? []
  const [year, month, ...rest] = parts.map(Number)
  return year === undefined ? null : Date.UTC(year, month! - 1, ...rest)
}

// openssl/ocsp.h
const OCSP_RESPONSE_STATUS_SUCCESSFUL = 0
/** V_OCSP_CERTSTATUS_GOOD, _REVOKED, _UNKNOWN */
const VERDICTS = ['good', 'revoked', 'unknown'] as const

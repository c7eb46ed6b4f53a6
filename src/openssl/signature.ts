/**
 * By which digest a certificate is signed: node:crypto does not tell in every version
 * of Node.
 *
 * https://docs.openssl.org/3.0/man3/X509_get0_signature/
 */
import { allocate } from '../kernel/memory.ts'
import { bindSsl, bindText } from './libssl.ts'
import { withCertificate } from './pem.ts'

const libcrypto = {
  X509_get_signature_nid: bindSsl('X509_get_signature_nid', 'int', ['uintptr_t']),
  OBJ_find_sigid_algs: bindSsl('OBJ_find_sigid_algs', 'int', ['int', 'uintptr_t', 'uintptr_t']),
  OBJ_nid2sn: bindText('OBJ_nid2sn', ['int']),
}

/** Of a certificate in DER, by OpenSSL's name: `SHA256`. Null: the algorithm has none beside it, as Ed25519. */
export function signatureDigestOf(der: Buffer): string | null {
  const nid = withCertificate(der, (it) => libcrypto.X509_get_signature_nid(it))
  if (libcrypto.OBJ_find_sigid_algs(nid, digest.address, 0) !== 1) return null
  const found = digest.bytes.readInt32LE()
  return found === NID_undef ? null : libcrypto.OBJ_nid2sn(found)
}

const digest = allocate(4)
// openssl/obj_mac.h
const NID_undef = 0

/**
 * Options of TLS. A part of options.ts, and read like it.
 *
 *     TlsOptions   what a person writes; everything optional
 *     TlsConfig    what is left after checking (tls.ts): files that are there, the default certificate among the others
 */

/** With a certificate, every listener speaks TLS, unless it is written with `http://` before it. */
export interface TlsOptions {
  /**
   * A file with the certificate, in PEM, and behind it those that lead up to the
   * authority's own, each vouching for the one before: what Let's Encrypt calls
   * `fullchain.pem`. It is shown to clients that ask for no name, or for one that no
   * other certificate has. A relative path in a configuration file is relative to
   * that file. Read at start and at each reload, before privileges are dropped.
   * @default none
   * @flag --tls-cert
   */
  readonly cert: string

  /**
   * A file with its private key, in PEM. Nobody but the server should be able to
   * read it.
   * @default none
   * @flag --tls-key
   */
  readonly key: string

  /**
   * A file whose first line is the passphrase of a key that is encrypted.
   * @default none
   */
  readonly keyPassphraseFile: string

  /**
   * A file with an OCSP response for the certificate, in DER, as
   * `openssl ocsp -respout` writes it. It is sent along with the certificate
   * (stapled), so that clients need not ask the authority.
   * @default none
   */
  readonly ocsp: string

  /**
   * Further certificates. Which one a client is shown is chosen by the name that it
   * asks for (SNI) and the names in them: one that has it exactly, then one with a
   * wildcard for it, then `tls.cert`. Two with the same names may stand side by side,
   * one for a key of ECDSA and one of RSA: a client is shown what it understands. Two
   * with keys of the same kind are a mistake, which is told; and one that has no DNS
   * name in it is shown only as `tls.cert`.
   * @default []
   */
  readonly certificates: readonly CertificateOptions[]

  /**
   * The oldest version of TLS that is spoken. All that came before TLS 1.2 are
   * deprecated (RFC 8996).
   * @default 'TLSv1.2'
   */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'

  /**
   * What may encrypt connections of TLS 1.2, as `openssl ciphers` takes it: the first
   * that the client has as well is taken. For one that puts ChaCha20 first, as
   * telephones without AES in their processor do, that is the first. The default,
   * here and for `ciphersuites` and `groups`, is what Mozilla recommends for servers
   * whose clients are not all new ("intermediate").
   * @default 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305'
   */
  readonly ciphers: string

  /**
   * And those of TLS 1.3: OpenSSL's names, with colons between.
   * @default 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'
   */
  readonly ciphersuites: string

  /**
   * Groups for the exchange of keys, the preferred one first: OpenSSL's names, with
   * colons between. One with `?` before it is left out where OpenSSL has none of that
   * name: X25519MLKEM768, which no quantum computer is thought to break, is there
   * from OpenSSL 3.5 on (`node -p process.versions.openssl`).
   * @default '?X25519MLKEM768:X25519:P-256:P-384'
   */
  readonly groups: string

  /**
   * How long session tickets are encrypted with one key, in milliseconds, before
   * another takes its place. A client that comes again with a ticket needs no whole
   * handshake, whichever worker it comes to. Whoever learns such a key can read what
   * was encrypted under it (RFC 5077 §5.5). 0 is no tickets.
   * @default 28_800_000
   * @range 60_000..604_800_000
   */
  readonly ticketRotationMs: number

  /**
   * Who encrypts what is sent. 'auto': the kernel, where it can and OpenSSL can leave
   * it to it, so that files go by `sendfile(2)` (kernel TLS; see docs/tls.md);
   * elsewhere, and with 'off' everywhere, OpenSSL in the worker.
   * @default 'auto'
   */
  readonly kernel: 'auto' | 'off'

  /**
   * Whether clients must have a certificate, too. 'optional': those who show one are
   * let in only when it holds; 'required': nobody else is let in.
   * @default 'off'
   */
  readonly clientCertificates: 'off' | 'optional' | 'required'

  /**
   * A file with the certificates, in PEM, of the authorities that may vouch for
   * clients.
   * @default none
   */
  readonly clientCa: string

  /**
   * A file to which the secrets of each connection are written, in the format of
   * NSS: with it Wireshark, and everybody else who has it, reads what was said. For
   * finding out what goes wrong, never for a server that others use. It is appended
   * to, and where there is none made for its owner alone (0600); one that everybody may
   * open is refused. Opened at start and at each reload, before privileges are
   * dropped; USR1 does not open it anew. SSLKEYLOGFILE in the environment does nothing.
   * @default none
   */
  readonly keyLogFile: string

  /**
   * Whether listeners without TLS (`http://`) only send clients to those with it: every
   * request is answered with a redirect (308) to the same host and path under
   * `https:`.
   * @default false
   */
  readonly redirect: boolean

  /**
   * The port that such a redirect names. 'auto' is that of the first TCP listener
   * with TLS. Another is to be given where clients reach it by another: behind a
   * load balancer, or in a container whose ports are mapped.
   * @default 'auto'
   * @range 1..65_535
   */
  readonly redirectPort: number | 'auto'
}

/** A further certificate. */
export interface CertificateOptions {
  /** As `tls.cert`. */
  readonly cert: string
  /** As `tls.key`. */
  readonly key: string
  /** As `tls.keyPassphraseFile`. */
  readonly keyPassphraseFile?: string
  /** As `tls.ocsp`. */
  readonly ocsp?: string
}

// ── after checking ───────────────────────────────────────────────────────────

/** How TLS is spoken. Paths are absolute; none of the files has been read. */
export interface TlsConfig {
  /** At least one. The first is the default: for clients that ask for no name, or for one that no other has. */
  readonly certificates: readonly TlsCertificate[]
  readonly minVersion: TlsOptions['minVersion']
  readonly ciphers: string
  readonly ciphersuites: string
  readonly groups: string
  /** 0: no tickets. */
  readonly ticketRotationMs: number
  readonly kernel: TlsOptions['kernel']
  readonly clientCertificates: TlsOptions['clientCertificates']
  /** Null if and only if `clientCertificates` is 'off'. */
  readonly clientCa: string | null
  /** Null: secrets are written nowhere. */
  readonly keyLogFile: string | null
  readonly redirect: boolean
  readonly redirectPort: number | 'auto'
}

export interface TlsCertificate {
  readonly cert: string
  readonly key: string
  readonly keyPassphraseFile: string | null
  /** Null: nothing is stapled. */
  readonly ocsp: string | null
}

/**
 * The compressors, from Node's zlib: which there are, and how hard each works.
 *
 * All of them work on libuv's thread pool. The levels are for compressing while a
 * client waits: the best ratio that is still about as fast as the network.
 */
import type { Transform } from 'node:stream'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import type { Coding } from '../../http/accept-encoding.ts'

const BROTLI_QUALITY = 5
const GZIP_LEVEL = 6
const ZSTD_LEVEL = 3
/**
 * 512 KiB, as nginx's brotli_window: what a stream may look back to, and holds in
 * memory. Browsers take up to 8 MiB from zstd (RFC 9659), and any of these.
 */
const STREAM_WINDOW_BITS = 19
/** Each piece of output is a way to the thread pool and back. */
const OUTPUT_BYTES = 64 * 1024

/** What Node 22.15 brought, and the types of Node 20 do not have. */
interface ZstdOfZlib {
  readonly zstdCompress?: typeof zlib.brotliCompress
  readonly createZstdCompress?: (options: object) => Transform
}
const { zstdCompress, createZstdCompress } = zlib as ZstdOfZlib
const ZSTD_C_COMPRESSION_LEVEL = 100
const ZSTD_C_WINDOW_LOG = 101

interface Codec {
  /** All of it at once. */
  compress(bytes: Uint8Array): Promise<Buffer>
  /** As much of it as somebody takes. */
  stream(): Transform
}

/** Null where Node has none. */
export function codecOf(coding: Coding): Codec | null {
  return CODECS[coding]
}

const CODECS: Readonly<Record<Coding, Codec | null>> = {
  br: {
    compress: (bytes) => brotli(bytes, { chunkSize: OUTPUT_BYTES, params: brotliParams(bytes.length) }),
    stream: () =>
      zlib.createBrotliCompress({
        params: { ...brotliParams(), [zlib.constants.BROTLI_PARAM_LGWIN]: STREAM_WINDOW_BITS },
      }),
  },
  gzip: {
    compress: (bytes) => gzip(bytes, { level: GZIP_LEVEL, chunkSize: OUTPUT_BYTES }),
    stream: () => zlib.createGzip({ level: GZIP_LEVEL }),
  },
  zstd: zstdCodec(),
}

const brotli = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zlib.brotliCompress)
const gzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gzip)

function brotliParams(size = 0): Record<number, number> {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants
  return { [BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [BROTLI_PARAM_SIZE_HINT]: size }
}

function zstdCodec(): Codec | null {
  if (zstdCompress === undefined || createZstdCompress === undefined) return null
  const compress = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zstdCompress)
  const params = { [ZSTD_C_COMPRESSION_LEVEL]: ZSTD_LEVEL }
  return {
    compress: (bytes) => compress(bytes, { chunkSize: OUTPUT_BYTES, params }),
    stream: () => createZstdCompress({ params: { ...params, [ZSTD_C_WINDOW_LOG]: STREAM_WINDOW_BITS } }),
  }
}

/**
 * What kind of file a name promises: its Content-Type, whether it is compressed in
 * itself, and whether compressing it is worth the while. Never looks into the file.
 */
import mime from 'mime'
import type { StaticOptions } from '../../config/options.ts'
import { extensionAsked } from '../../config/static-texts.ts'
import type { Coding } from '../../http/accept-encoding.ts'

/** RFC 9110 §8.3 leaves the type of the unknown open; this one makes a browser save the file and guess nothing. */
const UNKNOWN_TYPE = 'application/octet-stream'

/** Where `mime` knows nothing, or a type that no browser takes for a script (HTML, "JavaScript MIME type"). */
const OWN_TYPES: ReadonlyMap<string, string> = new Map([
  ['cjs', 'text/javascript'],
  ['tgz', 'application/gzip'], // RFC 6713; an archive, to be kept as it is
  ['topojson', 'application/json'], // which it is; it has no type of its own
])

/** What is said of a file by the end of its name. */
export interface FileType {
  /** The Content-Type: `text/html; charset=utf-8`, `image/png`. */
  readonly type: string
  /** The coding that the file itself is in: decoded, it is what its type says. */
  readonly coding: Coding | null
  /** Whether it becomes much smaller by compression. */
  readonly isCompressible: boolean
}

/** Types of files by their names, as the operator would have them. */
export function createTypes(options: Pick<StaticOptions, 'types' | 'charset'>): (name: string) => FileType {
  const asked = new Map(Object.entries(options.types).map(([end, type]) => [extensionAsked(end), type]))
  const parameter = options.charset === 'off' ? '' : `; charset=${options.charset}`
  return (name) => {
    const extension = extensionOf(name).toLowerCase()
    const type = asked.get(extension) ?? OWN_TYPES.get(extension) ?? mime.getType(extension) ?? UNKNOWN_TYPE
    const essence = essenceOf(type)
    // There is nothing else to send, whatever the client's Accept-Encoding says; whoever shows SVG decodes gzip.
    const coding = extension === 'svgz' && essence === 'image/svg+xml' ? 'gzip' : null
    return {
      type: !type.includes(';') && isText(essence) ? `${type}${parameter}` : type,
      coding,
      isCompressible: coding === null && isCompressible(essence),
    }
  }
}

/** A media type without its parameters. Case does not count, RFC 9110 §8.3.1. */
function essenceOf(type: string): string {
  return type.split(';', 1)[0]!.trim().toLowerCase()
}

/**
 * Text in every guise, and the formats that leave compression to the transport.
 * Pictures, films, archives, PDF and WOFF are compressed inside.
 */
function isCompressible(essence: string): boolean {
  return isText(essence) || COMPRESSIBLE.has(essence)
}

const COMPRESSIBLE: ReadonlySet<string> = new Set([
  'application/json5',
  'application/node',
  'application/postscript',
  'application/rtf',
  'application/sql',
  'application/toml',
  'application/vnd.apple.mpegurl',
  'application/vnd.ms-fontobject',
  'application/wasm',
  'application/x-sh',
  'application/x-subrip',
  'application/x-tex',
  'application/xml-dtd',
  'font/collection',
  'font/otf',
  'font/ttf',
  'image/bmp',
  'image/vnd.microsoft.icon',
  'model/gltf-binary',
  'model/obj',
  'model/stl',
])

/** What stands behind the last dot of the last segment; '' for `README` and for `.profile`. */
function extensionOf(name: string): string {
  const segment = name.lastIndexOf('/') + 1
  const dot = name.lastIndexOf('.')
  return dot > segment ? name.slice(dot + 1) : ''
}

/** Types that are characters: without a charset a browser may fall back to the reader's regional one. */
function isText(type: string): boolean {
  return (
    type.startsWith('text/') ||
    type.endsWith('+xml') ||
    type.endsWith('+json') ||
    type === 'application/json' ||
    type === 'application/xml' ||
    type === 'application/javascript'
  )
}

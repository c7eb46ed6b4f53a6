/**
 * What kind of file a name promises: its Content-Type, and whether compressing it
 * is worth the while. Never looks into the file.
 */
import mime from 'mime'

/** RFC 9110 §8.3 leaves the type of the unknown open; this one makes a browser save the file and guess nothing. */
const UNKNOWN_TYPE = 'application/octet-stream'

/** The Content-Type of a file by the end of its name: `text/html; charset=utf-8`, `image/png`. */
export function contentTypeOf(name: string): string {
  const type = mime.getType(extensionOf(name)) ?? UNKNOWN_TYPE
  return isText(type) ? `${type}; charset=utf-8` : type
}

/**
 * Whether files of a Content-Type become much smaller by compression: text in every
 * guise, and the formats that leave compression to the transport. Pictures, films,
 * archives, PDF and WOFF are compressed inside.
 */
export function isCompressible(contentType: string): boolean {
  const [type = ''] = contentType.split(';', 1)
  return isText(type) || COMPRESSIBLE.has(type)
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

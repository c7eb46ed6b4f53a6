/**
 * Names that hold a hash of the content, as bundlers write them. What is behind
 * such a name never changes: a change gets another name.
 *
 *     index-BxKq81aC.js             Vite, Rollup: 8 of base64url
 *     main.3f9a1c2b.css             webpack: 8 to 64 of hex
 *     main.3f9a1c2b.chunk.js.map
 *     app-ZK5QX2TN.js               esbuild: 8 of base32
 *     main-8d1fa4c7b6e0a5f1.js      Next
 *     8d1fa4c7b6e0a5f1-s.p.woff2
 *
 * A name is only a name: `report-20240101.pdf` and `theme-DarkMode.css` are built
 * the same way. What tells a hash from a word, a date or a version is that it goes
 * to and fro between letters and digits, small and capital. Where that is not
 * plain, a name counts as none: then a file is asked for again, which costs a
 * request; the other mistake would stay in browsers for a year.
 */

/** What bundlers give such names. Pages and data keep their names, whatever these look like. */
const ASSET =
  /\.(?:m?js|css|wasm|map|woff2?|ttf|otf|eot|svg|png|jpe?g|gif|webp|avif|ico|mp4|webm|ogg|mp3|wav|flac|aac)$/

/** What may stand between the hash and the type. */
const BEHIND_HASH = /(?:\.(?:chunk|bundle|module|min))?(?:\.(?:m?js|css))?\.\w+$/

/** Whether `name`, a path or the end of one, is that of an asset with a hash in it. */
export function isHashedName(name: string): boolean {
  const segment = name.slice(name.lastIndexOf('/') + 1)
  if (!ASSET.test(segment)) return false
  const stem = segment.replace(BEHIND_HASH, '')
  const [, alone] = /^([0-9a-f]{16,64})(?:-s)?(?:\.p)?$/.exec(stem) ?? []
  if (alone !== undefined) return isHex(alone)
  if (UUID.test(stem)) return false
  const [, hex] = /.[.-]([0-9a-f]{8,64})$/.exec(stem) ?? []
  if (hex !== undefined && isHex(hex)) return true
  const [, eight] = /.[.-]([\w-]{8})$/.exec(stem) ?? []
  return eight !== undefined && (isBase32(eight) || changesOf(eight) >= 4)
}

/** Of whatever was uploaded under it, today this and tomorrow that. */
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** No date (digits alone), no word (`defaced`), and no word with a number behind it (`facade01`). */
function isHex(text: string): boolean {
  return changesOf(text) >= 2
}

/** As esbuild writes it. No word with a number behind it (`CHAPTER2`). */
function isBase32(text: string): boolean {
  return /^[A-Z2-7]+$/.test(text) && changesOf(text) >= 2
}

/** How often a text changes between small letters, capitals and digits. */
function changesOf(text: string): number {
  const kinds = text
    .replace(/[-_]/g, '')
    .replace(/[a-z]+/g, 'a')
    .replace(/[A-Z]+/g, 'A')
    .replace(/[0-9]+/g, '0')
  return kinds.length - 1
}

/**
 * A text that is kept: as a copy of its own, for V8 makes a part of a longer text
 * by pointing into it, and a path or a name would keep the whole head of its request.
 */
export function ownCopy(text: string): string {
  // Names that are no UTF-8 hold lone surrogates (http/path-text.ts), which only UTF-16 lets through.
  const encoding = /^[\0-\xff]*$/.test(text) ? 'latin1' : 'utf16le'
  return Buffer.from(text, encoding).toString(encoding)
}

/**
 * Forty names that files may have, and nobody wants to see unescaped. As text: a
 * byte that is no UTF-8 stands as http/path-text.ts has it.
 */
import { writeFileSync } from 'node:fs'

export const AWKWARD_NAMES: readonly string[] = [
  '<img src=x onerror=alert(1)>',
  '<!-- comment',
  "<script>alert('x')<!script>",
  '"double" and \'single\'',
  '" onmouseover="alert(1)',
  'a&b &amp; &lt;c&gt; &#100;',
  'line\nbreak.txt',
  'return\rand\ttab.txt',
  'escape\x1b[31mred\x07.txt',
  'delete\x7f, \x01 and \x80\x9f.txt',
  ' leading and trailing ',
  '   ',
  'two  spaces',
  'no break\u00a0space',
  'javascript:alert(1)',
  'data:text,html',
  'http:example.org',
  '\\evil.example',
  '#fragment?query=1&b',
  '?sort=size',
  '%2e%2e%2fetc%2fpasswd',
  '100%',
  'plus+equals=semi;colon,comma',
  '{braces} [brackets] `ticks` ^caret |pipe| ~tilde',
  '$path',
  '#{injected} <%= injected %>',
  '-dash',
  '한국어 파일 이름.txt',
  '가나다라.html',
  '가나다라.html'.normalize('NFD'),
  '日本語.txt',
  'العربية.txt',
  '\u202egnp.exe',
  '\u2066isolated\u2067.txt',
  '😀 smile.png',
  '👨‍👩‍👧‍👦 family 🇰🇷.jpg',
  'zero\u200bwidth\ufeff.txt',
  'caf\udce9 of old.txt',
  '\udcc7\udcd1\udcb1\udcdb euc-kr.txt',
  `${'long'.repeat(58)}.txt`,
]

/** Writes a file of each name into a folder; each holds its own name. */
export function writeAwkward(folder: string): void {
  for (const name of AWKWARD_NAMES) writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), bytesOfName(name)]), name)
}

/** The bytes that a name stands for. */
function bytesOfName(name: string): Buffer {
  const pieces = name.split(/([\udc80-\udcff])/u)
  return Buffer.concat(
    pieces.map((piece, at) => (at % 2 === 1 ? Buffer.of(piece.charCodeAt(0) & 0xff) : Buffer.from(piece))),
  )
}

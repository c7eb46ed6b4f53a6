/**
 * Paths with stars, and what is made of what a star stood for:
 *
 *     path: '/old/*'    redirect: '/new/$1'    rewrite: '/new/$1'
 *
 * A pattern is written as the path reads once it is decoded, for that is what it
 * is compared with (handlers/router/paths.ts). Pure; matching is pattern.ts there.
 */

export const STARS_MAX = 9

/** What is wrong with a pattern, to follow "is '…'"; null when nothing is. */
export function mistakeInPattern(text: string): string | null {
  const mistake = mistakeInPath(text)
  if (mistake !== null) return mistake
  if (text.includes('**')) return "; '*' stands for slashes, too: write one"
  return starsIn(text) > STARS_MAX ? `, which has more than ${STARS_MAX} stars; write fewer` : null
}

/** The same for `rewrite`: a path for which the routes are asked next. */
export function mistakeInRewrite(text: string, stars: number): string | null {
  return mistakeInPath(text) ?? mistakeInReferences(text, stars)
}

/** The same for `redirect`: a path of this host or a whole URL, as a client will be told. */
export function mistakeInRedirect(text: string, stars: number): string | null {
  if (/[\x00-\x20\x7f]|\p{Surrogate}/u.test(text)) return ', which has a space or control character; encode it, as %20'
  if (text.includes('\\')) return ', which has a backslash; browsers take it for a slash'
  if (text.startsWith('//')) return ", which a browser takes for another host's; write one slash, or a whole URL"
  if (text.startsWith('/')) return mistakeInReferences(text, stars)
  const [, authority] = /^https?:\/\/([^/?#]*)/i.exec(text) ?? []
  if (authority === undefined) return '; it must begin with a slash, or be a whole URL such as https://example.com/$1'
  if (/\$\d/.test(authority)) {
    return ', where a client could choose the host; the first $ must stand behind the host and a slash'
  }
  if (authority.includes('@') || !URL.canParse(text)) return ', which is no URL such as https://example.com/$1'
  return mistakeInReferences(text, stars)
}

export function starsIn(pattern: string): number {
  return pattern.split('*').length - 1
}

function mistakeInPath(text: string): string | null {
  if (!text.startsWith('/')) return `; it must begin with a slash: ${text === '*' ? "'/*'" : `'/${text}'`}`
  if (/[?#]/.test(text)) return ', but a query takes no part in this; write the path alone'
  if (text.includes('//')) return ', but requests are compared with single slashes; write one'
  if (/\/\.{1,2}(\/|$)/.test(text)) return ', but requests are compared without dot segments; write where it leads'
  if (/%[0-9a-f]{2}/i.test(text)) return ', but requests are compared decoded; write the character itself'
  if (/[\x00-\x1f\x7f]|\p{Surrogate}/u.test(text)) return ', which has a character that no path has'
  return null
}

function mistakeInReferences(text: string, stars: number): string | null {
  const stray = [...text.matchAll(/\$(\d)/g)].find(([, digit]) => Number(digit) < 1 || Number(digit) > stars)
  if (stray === undefined) return null
  const has = stars === 0 ? 'no star' : stars === 1 ? 'one star, $1' : `${stars} stars, $1 to $${stars}`
  return `, but there is no ${stray[0]}: the path has ${has}`
}

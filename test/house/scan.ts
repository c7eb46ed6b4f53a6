/**
 * Just enough of TypeScript's grammar for the house's rules: what is code and
 * what is text, what a file imports, where its functions begin and end.
 *
 * Pure, and no parser: it knows comments, strings, templates, regular
 * expressions and brackets. scan.test.ts shows what it gets right.
 */

export interface Import {
  readonly specifier: string
  readonly line: number
  /** Gone after compilation: `import type`. */
  readonly isType: boolean
}

export interface FunctionSpan {
  /** The line its parameters begin on, counted from 1. */
  readonly line: number
  readonly lines: number
}

/**
 * The source with spaces for everything in comments, strings, templates and
 * regular expressions. Quotes and line breaks stay, so every place keeps its line.
 */
export function blank(source: string): string {
  let out = ''
  const holes: number[] = [] // for each open ${ of a template, the braces open inside it
  while (out.length < source.length) {
    const char = source[out.length]!
    const inHole = holes.length > 0
    if (inHole && char === '{') holes[holes.length - 1]! += 1
    if (inHole && char === '}') holes[holes.length - 1]! -= 1
    const isHoleEnd = inHole && holes.at(-1) === -1
    if (isHoleEnd) holes.pop()
    if (char === '`' || isHoleEnd) {
      const text = match(TEMPLATE, source, out.length + 1)
      if (text.endsWith('{')) holes.push(0)
      out += char + wiped(text)
    } else {
      const token = match(COMMENT, source, out.length) || match(STRING, source, out.length) || regexAt(source, out)
      out += token === '' ? char : wiped(token)
    }
  }
  return out
}

export function importsOf(source: string): Import[] {
  const code = blank(source)
  return [...code.matchAll(IMPORT), ...code.matchAll(DYNAMIC_IMPORT)].map((found) => {
    const start = found.index + found[0].length
    const end = code.indexOf(found[0].at(-1)!, start)
    const keyword = found.index + found[0].search(/import|export/)
    const isType = /^(?:import|export)\s+type\s+(?!from\b)/.test(found[0].slice(found[0].search(/import|export/)))
    return { specifier: source.slice(start, end), line: lineAt(source, keyword), isType }
  })
}

/** Every function, method and arrow function with a body in braces. */
export function functionsOf(source: string): FunctionSpan[] {
  const code = blank(source)
  const spans: FunctionSpan[] = []
  for (let close = code.indexOf(')'); close >= 0; close = code.indexOf(')', close + 1)) {
    const body = bodyAfter(code, close + 1)
    if (body === null) continue
    const open = openingOf(code, close)
    if (CONTROL.test(code.slice(Math.max(0, open - 40), open))) continue
    const line = lineAt(code, open)
    spans.push({ line, lines: lineAt(code, closingOf(code, body)) - line + 1 })
  }
  return spans
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
/** From behind a backtick, or behind the } of a hole, up to the next of either. */
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
/** What a / stands behind when it begins a regular expression, and is no division. */
const BEFORE_REGEX =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|(?<![\w$.])(?:return|typeof|case|in|of|delete|void|throw|do|else|await|yield))\s*$/

const CLAUSE = String.raw`(?:type\s+)?(?:[\w$]+\s*,\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+)\s*from\s*`
const IMPORT = new RegExp(String.raw`(?<=^|[;\n])\s*(?:import\s+${CLAUSE}|export\s+${CLAUSE}|import\s*)['"]`, 'g')
const DYNAMIC_IMPORT = /\bimport\s*\(\s*['"]/g

const CONTROL = /(?:^|[^\w$.#])(?:if|for|for\s+await|while|switch|catch|with)\s*$/

function match(pattern: RegExp, source: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0] ?? ''
}

function regexAt(source: string, before: string): string {
  if (source[before.length] !== '/' || !BEFORE_REGEX.test(before.slice(-40))) return ''
  return match(REGEX, source, before.length)
}

/** Its quotes, backticks and braces kept at both ends: a blanked string still looks like one. */
function wiped(token: string): string {
  const isComment = token.startsWith('//') || token.startsWith('/*')
  const spaces = token.replace(/[^\n]/g, ' ')
  if (isComment || token === '') return spaces
  const first = /^['"]/.test(token) ? token[0]! : ' '
  const last = /['"`{]$/.test(token) ? token.at(-1)! : ' '
  if (token.length === 1) return last
  return (token[0] === '\n' ? '\n' : first) + spaces.slice(1, -1) + (token.at(-1) === '\n' ? '\n' : last)
}

/** Where the `{` of a function's body is, after its parameters: `)` `: Type`? `=>`? `{`. Null when there is none. */
function bodyAfter(code: string, start: number): number | null {
  let at = start
  const colon = match(/\s*:/y, code, at)
  if (colon !== '') at = typeEnd(code, at + colon.length)
  at += match(/\s*=>/y, code, at).length
  const brace = match(/\s*\{/y, code, at)
  return brace === '' ? null : at + brace.length - 1
}

/** An operand, then as long as a joiner follows, another: `Map<string, A[]> | { a: B } | null`. */
function typeEnd(code: string, start: number): number {
  let at = start
  for (;;) {
    at += match(/\s*\|?\s*/y, code, at).length
    const isParenthesized = code[at] === '('
    at = operandEnd(code, at)
    const joiner = match(isParenthesized ? /\s*(?:[|&]|=>)/y : /\s*(?:[|&]|(?:is|extends)\b)/y, code, at)
    if (joiner === '') return at
    at += joiner.length
  }
}

function operandEnd(code: string, start: number): number {
  let at = start + match(/(?:(?:readonly|keyof|typeof|asserts|unique)\s+)*/y, code, start).length
  if (/[{([]/.test(code[at] ?? '')) at = closingOf(code, at) + 1
  else at += match(/[\w$.]+|'[^']*'|"[^"]*"|`[^`]*`/y, code, at).length
  while (code[at] === '[' || code[at] === '<') at = closingOf(code, at) + 1
  return at
}

const PAIRS: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']', '<': '>' }

function closingOf(code: string, open: number): number {
  const closer = PAIRS[code[open]!]
  let depth = 0
  for (let at = open; at < code.length; at += 1) {
    if (code[at] === code[open]) depth += 1
    if (code[at] === closer && !(closer === '>' && code[at - 1] === '=')) depth -= 1
    if (depth === 0) return at
  }
  return code.length - 1
}

function openingOf(code: string, close: number): number {
  let depth = 0
  for (let at = close; at >= 0; at -= 1) {
    if (code[at] === ')') depth += 1
    if (code[at] === '(') depth -= 1
    if (depth === 0) return at
  }
  return 0
}

/**
 * The schema: what any source may say, refused with a sentence when it may not.
 *
 * Built by valibot from table.ts, so it knows no option by name. It is pure: it
 * reads no file, resolves no path and supplies no default; load.ts does.
 */
import * as v from 'valibot'
import { checkListen } from './listen.ts'
import { OperatorError, quote } from './operator-error.ts'
import type { Options } from './options.ts'
import type { OptionRow } from './rows.ts'
import type { NameOption } from './settings.ts'
import { checkSite } from './site/check-site.ts'
import { didYouMean } from './suggest.ts'
import { describeValues, OPTION_PATHS, OPTION_TABLE, type OptionPath } from './table.ts'
import { checkCertificates } from './tls.ts'

/** The value as checked options, or an OperatorError naming the first that is wrong. */
export function checkOptions(value: unknown, nameOption: NameOption): Options {
  const result = v.safeParse(OPTIONS_SCHEMA, value, { abortEarly: true })
  if (!result.success) throw new OperatorError(explain(result.issues[0], nameOption))
  checkListen(result.output as Options, nameOption)
  checkCertificates((result.output as Options).tls?.certificates, nameOption)
  checkSite(result.output as Options, nameOption, checkOptions)
  return result.output as Options
}

/** A flag's or variable's text as the value it means; text that means none is left for the schema to refuse. */
export function parseText(path: OptionPath, text: string): unknown {
  const isNumber = OPTION_TABLE[path].kind === 'integer' && /^-?\d+$/.test(text)
  return isNumber ? Number(text) : text
}

function ruleOf(row: OptionRow): v.GenericSchema {
  switch (row.kind) {
    case 'choice':
      return v.picklist(row.choices)
    case 'boolean':
      return v.boolean()
    case 'listen':
      return v.any() // judged by checkListen: what is wrong with an address takes more words than "must be"
    case 'texts':
      return v.custom((value) => isTexts(value) && row.accepts(typeof value === 'string' ? [value] : value))
    case 'textByKey':
      return v.custom(
        (value) =>
          isTextByKey(value) &&
          Object.entries(value).every(([key, text]) => row.accepts(key, text, Object.keys(value))),
      )
    case 'pathRules':
      return v.custom(
        (value) =>
          Array.isArray(value) && value.every((rule) => isPathRule(rule) && row.accepts(rule.path, rule.value)),
      )
    case 'certificates':
      return v.any() // judged by checkCertificates
    case 'site':
      return v.any() // judged by checkSite
    case 'text':
      return v.pipe(v.string(), v.nonEmpty(), v.check(holdsNoNul), v.check(row.accepts ?? (() => true)))
    case 'integer': {
      const number = v.pipe(v.number(), v.check(isWhole), v.minValue(row.min), v.maxValue(row.max))
      const others = [...(row.word === undefined ? [] : [row.word]), ...(row.orZero === true ? [0] : [])]
      return others.length === 0 ? number : v.union([v.picklist(others), number])
    }
  }
}

/** Infinity counts as whole: where `max` is finite it is refused for its size. */
const isWhole = (value: number) => Number.isSafeInteger(value) || value === Number.POSITIVE_INFINITY
/** The kernel ends a path at its first NUL, so one that holds a NUL names some other file. */
const holdsNoNul = (text: string) => !text.includes('\0')

function isTexts(value: unknown): value is string | readonly string[] {
  return Array.isArray(value) ? value.every(isText) : isText(value)
}

function isTextByKey(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText)
}

/** Exactly these two: a third would be one that is mistyped. */
function isPathRule(value: unknown): value is { readonly path: string; readonly value: string } {
  return isTextByKey(value) && Object.keys(value).sort().join() === 'path,value'
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && holdsNoNul(value)
}

const OPTIONS_SCHEMA = buildSchema()

function buildSchema(): v.GenericSchema {
  const top: Record<string, v.GenericSchema> = {}
  const sections: Record<string, Record<string, v.GenericSchema>> = {}
  for (const path of OPTION_PATHS) {
    const rule = v.optional(ruleOf(OPTION_TABLE[path]))
    const [section, key] = path.split('.')
    if (key === undefined) top[path] = rule
    else sections[section!] = { ...sections[section!], [key]: rule }
  }
  for (const [name, entries] of Object.entries(sections)) top[name] = v.optional(objectOf(entries))
  return objectOf(top)
}

/** valibot takes an array for an object without keys; the operator did not mean that. */
function objectOf(entries: Record<string, v.GenericSchema>): v.GenericSchema {
  const isNoArray = v.custom((value) => !Array.isArray(value))
  return v.pipe(isNoArray, v.strictObject(entries))
}

function explain(issue: v.BaseIssue<unknown>, nameOption: NameOption): string {
  const path = issue.path?.map((item) => String(item.key)).join('.') ?? ''
  const isUnknown = issue.type === 'strict_object' && issue.expected === 'never'
  if (isUnknown) return `${nameOption(path)} is not an option${suggest(path)}`
  const must = path in OPTION_TABLE ? describeValues(OPTION_TABLE[path as OptionPath]) : 'an object'
  return `${nameOption(path)} must be ${must}, not ${quote(issue.input)}`
}

/** A key may be mistyped, or right but outside its section ('headBytes' for 'limits.headBytes'). */
function suggest(path: string): string {
  const key = path.split('.').at(-1)
  const elsewhere = OPTION_PATHS.find((known) => known.split('.').at(-1) === key)
  if (elsewhere !== undefined) return `; did you mean '${elsewhere}'?`
  return didYouMean(path, OPTION_PATHS) || '; docs/configuration.md lists them all'
}

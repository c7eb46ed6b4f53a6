/**
 * What a row of the table of options (table.ts) says: one kind for each kind of value.
 */

export interface Flag {
  readonly name: string
  /** What stands for the value in help: '--port N'. */
  readonly value: string
  readonly help: string
}

interface Row {
  readonly flag?: Flag
  readonly env?: string
}

/** A whole number. `word` may stand for a number ('auto'), and 0 for none of it; a `max` of Infinity is itself a value. */
export interface IntegerRow extends Row {
  readonly kind: 'integer'
  readonly default: number | string
  readonly min: number
  readonly max: number
  readonly word?: string
  /** Below `min` there is 0, and nothing between. */
  readonly orZero?: true
}

export interface ChoiceRow extends Row {
  readonly kind: 'choice'
  readonly default: string
  readonly choices: readonly string[]
}

export interface TextRow extends Row {
  readonly kind: 'text'
  readonly default: string | null
  /** What the text is, after "must be": 'the path of a file'. */
  readonly says: string
  readonly accepts?: (text: string) => boolean
}

export interface BooleanRow extends Row {
  readonly kind: 'boolean'
  readonly default: boolean
}

/** `listen`: a shape of its own, see listen.ts. The flag may be given several times. */
export interface ListenRow extends Row {
  readonly kind: 'listen'
  readonly default: null
}

/** `tls.certificates`: a shape of its own, see tls.ts. */
export interface CertificatesRow extends Row {
  readonly kind: 'certificates'
  readonly default: readonly never[]
}

/** A list of texts; one alone may be written without brackets. */
export interface TextsRow extends Row {
  readonly kind: 'texts'
  readonly default: readonly string[]
  /** What each of them is, after "must be". */
  readonly says: string
  readonly accepts: (texts: readonly string[]) => boolean
}

/** An object of the operator's own keys, with a text for each. */
export interface TextByKeyRow extends Row {
  readonly kind: 'textByKey'
  readonly default: Readonly<Record<string, string>>
  readonly says: string
  /** `keys` are all that are there. */
  readonly accepts: (key: string, text: string, keys: readonly string[]) => boolean
}

/** `hosts` and what surrounds answers: shapes of their own, see site/check-site.ts. */
export interface SiteRow extends Row {
  readonly kind: 'site'
  readonly default: null
}

/** A list of `{ path, value }`. */
export interface PathRulesRow extends Row {
  readonly kind: 'pathRules'
  readonly default: readonly never[]
  readonly says: string
  readonly accepts: (path: string, value: string) => boolean
}

export type OptionRow =
  | IntegerRow
  | ChoiceRow
  | TextRow
  | BooleanRow
  | ListenRow
  | CertificatesRow
  | TextsRow
  | TextByKeyRow
  | PathRulesRow
  | SiteRow

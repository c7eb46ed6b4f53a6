/**
 * What an operator may have sent as the value of a field. Pure.
 *
 * field-value of RFC 9110 §5.5, without obs-text: readers differ on what that means.
 */
const FIELD_VALUE = /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/

export function isFieldValue(value: unknown): value is string {
  return typeof value === 'string' && FIELD_VALUE.test(value)
}

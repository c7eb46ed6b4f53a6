/**
 * Prometheus' text format, version 0.0.4: families of samples as lines.
 *
 *     # HELP prefork_connections Connections held now.
 *     # TYPE prefork_connections gauge
 *     prefork_connections 12
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export type Labels = Readonly<Record<string, string | number>>

export interface Sample {
  /** Behind the family's name: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly suffix?: string
  readonly labels?: Labels
  readonly value: number
}

export interface Family {
  /** In base units, named at the end: seconds, bytes; a counter's ends with _total. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** A family without samples is left out: what nobody can tell is not 0. */
export function expositionOf(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${labelText(labels)} ${value}\n`)
      return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
    })
    .join('')
}

/** A histogram's samples: each bucket counts all that were up to its bound. `counts` has one more than `bounds`, for what is above. */
export function histogramSamples(bounds: readonly number[], counts: readonly number[], sum: number): Sample[] {
  let count = 0
  const buckets = counts.map((more, i) => {
    count += more
    return { suffix: '_bucket', labels: { le: bounds[i] ?? '+Inf' }, value: count }
  })
  return [...buckets, { suffix: '_sum', value: sum }, { suffix: '_count', value: count }]
}

function labelText(labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replace(/"/g, '\\"')
}

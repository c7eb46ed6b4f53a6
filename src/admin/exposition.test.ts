import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expositionOf, histogramSamples } from './exposition.ts'

test('families as lines', () =>
  assert.equal(
    expositionOf([
      { name: 'a_total', type: 'counter', help: 'All of them.', samples: [{ value: 1.5 }] },
      {
        name: 'b_bytes',
        type: 'gauge',
        help: 'A \\ and\na line.',
        samples: [
          { labels: { slot: 0, path: 'a"\\\nb' }, value: 0 },
          { labels: {}, value: 2 ** 53 },
        ],
      },
    ]),
    `\
# HELP a_total All of them.
# TYPE a_total counter
a_total 1.5
# HELP b_bytes A \\\\ and\\na line.
# TYPE b_bytes gauge
b_bytes{slot="0",path="a\\"\\\\\\nb"} 0
b_bytes 9007199254740992
`,
  ))

test('what nobody can tell is left out, its heading too', () =>
  assert.equal(expositionOf([{ name: 'a', type: 'gauge', help: 'A.', samples: [] }]), ''))

test('a histogram: buckets that add up, the sum and the count', () =>
  assert.equal(
    expositionOf([
      { name: 'h_seconds', type: 'histogram', help: 'H.', samples: histogramSamples([0.5, 1], [2, 0, 3], 9.5) },
    ]),
    `\
# HELP h_seconds H.
# TYPE h_seconds histogram
h_seconds_bucket{le="0.5"} 2
h_seconds_bucket{le="1"} 2
h_seconds_bucket{le="+Inf"} 5
h_seconds_sum 9.5
h_seconds_count 5
`,
  ))

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pretendSteps, step } from '../../../test/support/pretend-stories.ts'
import { type Rung, rungsOf } from './ladder-steps.ts'

const brief = ({ step: { kind }, from, to, before, after }: Rung) => `${kind}: ${from} → ${to}, ${before} → ${after}`

test('from SYN to FIN: whose line each step begins and ends at, and in whose hands the connection is', () => {
  assert.deepEqual(rungsOf({ steps: pretendSteps('127.0.0.1:5', 'GET /', 41.2, 1.4) }).map(brief), [
    'syn: client → kernel, nobody → syn-queue',
    'syn-ack: kernel → client, syn-queue → syn-queue',
    'ack: client → kernel, syn-queue → accept-queue',
    'accepted: kernel → worker, accept-queue → worker',
    'received: kernel → worker, worker → worker',
    'request: worker → worker, worker → worker',
    'response: worker → worker, worker → worker',
    'sent: worker → client, worker → worker',
    'fin: client → kernel, worker → worker',
    'received: kernel → worker, worker → worker',
    'closed: worker → kernel, worker → nobody',
    'fin: kernel → client, nobody → nobody',
  ])
})

test('times count from the first step; a wait in the accept queue is told however short, others from a millisecond', () => {
  const rungs = rungsOf({
    steps: [
      step('syn', 100, ''),
      step('ack', 103, ''),
      step('accepted', 103.1, ''),
      step('received', 103.2, ''),
      step('closed', 5_103.2, ''),
    ],
  })
  assert.deepEqual(
    rungs.map(({ offsetMs, gapText }) => [Math.round(offsetMs * 10) / 10, gapText]),
    [
      [0, ''],
      [3, 'half-open, in the SYN queue'],
      [3.1, 'waited in the accept queue'],
      [3.2, ''],
      [5_003.2, 'later'],
    ],
  )
  const sizes = rungs.map(({ gapSize }) => gapSize)
  assert.ok(sizes.every((size) => size >= 0 && size <= 1) && sizes[4]! > sizes[1]! && sizes[1]! > sizes[3]!)
})

test('without packets it begins with its accept; a reset in the queue ends it', () => {
  const [accepted] = rungsOf({ steps: [step('accepted', 5, ''), step('received', 6, '')] })
  assert.equal(brief(accepted!), 'accepted: kernel → worker, nobody → worker')
  const rungs = rungsOf({ steps: [step('syn', 0, ''), step('ack', 1, ''), step('rst', 2, '', null, 'in')] })
  assert.equal(brief(rungs[2]!), 'rst: client → kernel, accept-queue → nobody')
})

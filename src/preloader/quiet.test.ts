import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOfApp } from './quiet.ts'

test("a thread that the kernel has for an io_uring is not the app's, nor is one that has ended", () => {
  const names = ['node', 'libuv-worker', 'iou-wrk-30219', 'iou-sqp-7', 'iou-worker', null]
  assert.deepEqual(names.filter(isOfApp), ['node', 'libuv-worker', 'iou-worker'])
})

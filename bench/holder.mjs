#!/usr/bin/env node
/**
 * node holder.mjs URL COUNT ADDRESS…: one of a crowd (crowd.mjs). It is spoken to line
 * by line, answers `hold` and `count` with { open, complaint }, and lets all go when
 * its input ends.
 */
import { createInterface } from 'node:readline'
import { hold } from './hold.mjs'

const [url, count, ...addresses] = process.argv.slice(2)
let crowd = null

for await (const word of createInterface({ input: process.stdin })) {
  if (word === 'hold') crowd = await hold(url, Number(count), addresses)
  console.log(JSON.stringify({ open: crowd?.open() ?? 0, complaint: crowd?.complaint ?? null }))
}
crowd?.letGo()

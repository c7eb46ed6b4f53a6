import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AF_UNIX, SOCK_STREAM } from './constants.ts'
import { close } from './fd.ts'
import { read, write } from './file.ts'
import { addressOfBuffer } from './libc.ts'
import { allocate, memoryOf } from './memory.ts'
import { socketpair } from './socket.ts'

test('allocated memory is zero, and nobody else has it', () => {
  const a = allocate(4096)
  const b = allocate(4096)
  assert.ok(a.bytes.every((byte) => byte === 0))
  assert.ok(Math.abs(a.address - b.address) >= 4096)
})

test('an address stays where it is while memory is allocated and collected', () => {
  const memory = allocate(64)
  const garbage: Buffer[] = []
  for (let i = 0; i < 200; i++) garbage[i % 10] = Buffer.alloc(1 << 20)
  assert.equal(addressOfBuffer(memory.bytes), memory.address)
})

/** `length` bytes that the kernel writes into what `into` returns. */
function receive(text: string, into: Uint8Array): void {
  const [a, b] = socketpair(AF_UNIX, SOCK_STREAM)
  write(a, Buffer.from(text))
  assert.equal(read(b, memoryOf(into)), text.length)
  close(a)
  close(b)
}

test('memoryOf lets the kernel write into bytes that exist', () => {
  const bytes = new Uint8Array(8)
  receive('hello', bytes)
  assert.equal(Buffer.from(bytes).toString(), 'hello\0\0\0')
})

test('memoryOf a part begins where the part begins', () => {
  const whole = Buffer.from('........')
  receive('abc', whole.subarray(2, 5))
  assert.equal(whole.toString(), '..abc...')
  assert.equal(memoryOf(whole.subarray(2)).address, memoryOf(whole).address + 2)
})

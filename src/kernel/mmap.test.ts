import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from './constants.ts'
import { close, type Fd } from './fd.ts'
import { memfd_create, pread, write } from './file.ts'
import { allocate } from './memory.ts'
import { allocatePages, mmap, munmap } from './mmap.ts'

const PAGE = 4096

// That a forked child sees the same bytes is shown in process.test.ts.

test('an anonymous mapping is zero, writable, and gives its address', () => {
  const memory = mmap(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1)
  assert.equal(memory.bytes.length, 2 * PAGE)
  assert.equal(memory.address % PAGE, 0)
  assert.ok(memory.bytes.every((byte) => byte === 0))
  memory.bytes.write('end', 2 * PAGE - 3)
  assert.equal(memory.bytes.toString('latin1', 2 * PAGE - 3), 'end')
  munmap(memory)
})

test('allocated pages take no room before they are written to', () => {
  const residentBytes = () => process.memoryUsage().rss
  const before = residentBytes()
  const memory = allocatePages(64 * 1024 * 1024)
  assert.equal(memory.bytes[memory.bytes.length - 1], 0)
  assert.ok(residentBytes() - before < 16 * 1024 * 1024)
  munmap(memory)
})

test('a shared mapping of a file is the file, both ways; a private one is a copy', (t) => {
  const fd = memfd_create('mapped')
  t.after(() => close(fd))
  write(fd, Buffer.alloc(PAGE, '.'))
  const shared = mmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd)
  const private_ = mmap(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd)
  t.after(() => [shared, private_].forEach(munmap))

  private_.bytes.write('mine', 0)
  shared.bytes.write('ours', 8)
  const memory = allocate(12)
  pread(fd, memory, 0, 12, 0)
  assert.equal(memory.bytes.toString(), '........ours')
})

test('the kernel may write into a mapping', (t) => {
  const fd = memfd_create('source')
  const memory = mmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1)
  t.after(() => {
    munmap(memory)
    close(fd)
  })
  write(fd, Buffer.from('from the kernel'))
  assert.equal(pread(fd, memory, 5, 100, 0), 15)
  assert.equal(memory.bytes.toString('latin1', 5, 20), 'from the kernel')
})

test('a mapping that cannot be is a mistake', () => {
  assert.throws(() => mmap(0, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1), { syscall: 'mmap', code: 'EINVAL' })
  assert.throws(() => mmap(PAGE, PROT_READ, MAP_SHARED, 999_999 as Fd), { syscall: 'mmap', code: 'EBADF' })
})

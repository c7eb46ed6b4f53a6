import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HostTable } from './host-table.ts'

const table = new HostTable(
  ['example.com', '*.example.com', '*.deep.example.com', 'a.deep.example.com', '[::1]', '*'].map((name) => [
    name,
    name,
  ]),
)

const TABLE: readonly (readonly [authority: string, host: string])[] = [
  ['example.com', 'example.com'],
  ['EXAMPLE.com.:8080', 'example.com'],
  ['www.example.com', '*.example.com'],
  ['a.b.example.com', '*.example.com'],
  ['deep.example.com', '*.example.com'],
  ['x.deep.example.com', '*.deep.example.com'],
  ['a.deep.example.com', 'a.deep.example.com'],
  ['.example.com', '*'],
  ['xexample.com', '*'],
  ['example.com.evil', '*'],
  ['[::1]:80', '[::1]'],
  ['[0::1]', '[::1]'],
  ['', '*'],
  ['*', '*'],
  ['*.example.com', '*.example.com'],
  ['%77ww.example.com', '*.example.com'],
  ['example%2Ecom', 'example.com'],
]

for (const [authority, host] of TABLE) {
  test(`'${authority}' is for ${host}, asked once and again`, () => {
    assert.equal(table.find(authority), host)
    assert.equal(table.find(authority), host)
  })
}

test('made-up names neither fill the memory nor make it forget who is who', () => {
  for (let i = 0; i < 10_000; i++) assert.equal(table.find(`made-up-${i}.example`), '*')
  assert.equal(table.find('example.com'), 'example.com')
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { isHashedName } from './hashed-names.ts'

test('names that bundlers make', () => {
  for (const name of [
    'assets/index-BxKq81aC.js', // Vite, Rollup
    'assets/index-BxKq81aC.css',
    'assets/logo-D3_k9aQ2.svg',
    'assets/vendor-b-1Kx9aQ2z.js',
    'index.4f3a1c2b.js', // Rollup 3, Parcel
    'static/js/main.3f9a1c2b.js', // webpack
    'static/js/main.3f9a1c2b.js.map',
    'static/js/787.3f9a1c2b.chunk.js',
    'static/css/main.e6c13ad2.css',
    'static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg',
    'main.0a1b2c3d4e5f60718293.bundle.js',
    'app-ZK5QX2TN.js', // esbuild
    'chunk-2PA3UJSD.js',
    'media/inter-LD7C4TQ2.woff2',
    '_next/static/chunks/main-8d1fa4c7b6e0a5f1.js', // Next
    '_next/static/chunks/4bd1b696-100b9d70ed4e49c1.js',
    '_next/static/css/3f9a1c2bdead0eef.css',
    '_next/static/media/e4af272ccee01ff0-s.p.woff2',
    '_next/static/media/26a46d62cd723877-s.woff2',
  ]) {
    assert.equal(isHashedName(name), true, name)
  }
})

test('names that people make', () => {
  for (const name of [
    'jquery-3.6.0.js',
    'jquery-3.6.0.min.js',
    'bootstrap.5.3.2.css',
    'report-20240101.pdf',
    'photo-20240101.jpg',
    'IMG_20240101_123456.jpg',
    'photo-20240101123456.png',
    'scan.00000001.png',
    'theme-DarkMode.css',
    'hero-Portrait.jpg',
    'menu-settings.svg',
    'icon-DOWNLOAD.svg',
    'book-CHAPTER2.mp3',
    'book-Chapter1.mp3',
    'wallpaper-Windows7.png',
    'bg-iPhone14.png',
    'photo-Summer24.jpg',
    'map-facade01.png',
    'a-deadbeef.png',
    'word-defacedx.css',
    'x-a-b-c-de.png',
    'a-my-first.js',
    'main.js',
    'index.html',
    'index-BxKq81aC.html',
    'data.3f9a1c2b.json',
    'build-3f9a1c2b.zip',
    'avatar-1b2c3d4e-e29b-41d4-a716-44665544a0b1.png',
    '1b2c3d4e-e29b-41d4-a716-44665544a0b1.png',
    '3f9a1c2b.js',
    '.3f9a1c2b.js',
    '-BxKq81aC.js',
    'index-BxKq81aC',
    '3f9a1c2b/main.js',
  ]) {
    assert.equal(isHashedName(name), false, name)
  }
})

/** How many of so many hashes of a shape are told. */
function share(shape: (digest: Buffer) => string): number {
  const hashes = Array.from({ length: 2_000 }, (_, i) => shape(createHash('sha256').update(`${i}`).digest()))
  return hashes.filter((hash) => isHashedName(`assets/name-${hash}.js`)).length / hashes.length
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

test('most hashes are told; those that could be words are not', () => {
  assert.ok(share((digest) => digest.toString('hex').slice(0, 8)) > 0.9)
  assert.ok(share((digest) => digest.toString('hex').slice(0, 20)) > 0.999)
  assert.ok(share((digest) => digest.toString('base64url').slice(0, 8)) > 0.7)
  assert.ok(share((digest) => [...digest.subarray(0, 8)].map((byte) => BASE32[byte % 32]).join('')) > 0.6)
})

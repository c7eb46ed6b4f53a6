import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStartedAlike } from './started-alike.ts'

const FOLDER = '/srv'
const configFile = '/etc/prefork.config.ts'
const app = { target: './app.ts', flags: { port: 80 } }

for (const [what, isAlike, checked, startedAs] of [
  ['nothing is asked for', true, {}, {}],
  ['another folder may have another file', false, { folder: '/root' }, {}],
  ['the same words', true, { commandLine: app }, { words: ['./app.ts', '--port', '80'] }],
  ['written otherwise', true, { commandLine: app }, { words: ['--port=80', './app.ts', '--control', '/a'] }],
  ['explained', true, { commandLine: app }, { words: ['explain', './app.ts', '--port', '80'] }],
  ['the same words elsewhere', false, { commandLine: app, folder: '/b' }, { words: ['./app.ts', '--port', '80'] }],
  ['another target', false, { commandLine: app }, { words: ['./b.ts', '--port', '80'] }],
  ['a flag less', false, { commandLine: app }, { words: ['./app.ts'] }],
  ['the same file', true, { configFile }, { configFile }],
  [
    'the same file, named from elsewhere',
    true,
    { configFile, folder: '/b' },
    { configFile, words: ['--config', configFile] },
  ],
  ['a file for one of them', false, { configFile }, {}],
  ['and for the other', false, {}, { configFile }],
  ['a file and a flag, elsewhere', false, { configFile, commandLine: app, folder: '/b' }, { configFile }],
] as const) {
  test(`${what}: ${isAlike ? 'alike' : 'somebody else'}`, () => {
    const asked = { commandLine: { target: null, flags: {} }, folder: FOLDER, configFile: null, ...checked }
    assert.equal(isStartedAlike({ words: [], folder: FOLDER, configFile: null, uid: 0, ...startedAs }, asked), isAlike)
  })
}

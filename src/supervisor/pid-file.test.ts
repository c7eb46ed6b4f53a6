import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startProgram } from '../../test/support/program.ts'
import { folderOf } from './listening.test.support.ts'
import { removePidFile, writePidFile } from './pid-file.ts'

const OURS = `${process.pid}\n`
/** No pid: above the kernel's own limit, 2^22. */
const NOBODY = 4_194_305

const read = (path: string) => readFileSync(path, 'utf8')

function pathIn(t: TestContext): string {
  return join(folderOf(t), 'prefork.pid')
}

test('it holds our pid, then it is gone', (t) => {
  const path = pathIn(t)
  writePidFile(path)
  assert.equal(read(path), OURS)
  assert.deepEqual(readdirSync(join(path, '..')), ['prefork.pid'], 'and nothing beside it')
  removePidFile(path)
  assert.deepEqual(readdirSync(join(path, '..')), [])
  removePidFile(path)
})

test('whatever was there is replaced, if no prefork lives by it', (t) => {
  for (const before of [`${NOBODY}\n`, OURS, '', 'not a number', String(process.ppid)]) {
    const path = pathIn(t)
    writeFileSync(path, before)
    writeFileSync(`${path}.${process.pid}`, 'left by an earlier prefork with our pid')
    writePidFile(path)
    assert.equal(read(path), OURS)
    assert.deepEqual(readdirSync(join(path, '..')), ['prefork.pid'])
  }
})

test('another prefork that lives by it keeps it, unless it is the one we succeed', async (t) => {
  const path = pathIn(t)
  const script = "process.title = 'prefork: supervisor'; console.log('here'); setInterval(() => {}, 1e9)"
  const rival = startProgram(t, ['--eval', script])
  await rival.waitForLine('here')
  writeFileSync(path, `${rival.pid}\n`)
  const message =
    `--pid-file ${path} names another prefork, which is running (pid ${rival.pid}). ` +
    'Stop it first, or give this one a --pid-file of its own'
  assert.throws(() => writePidFile(path), { name: 'OperatorError', message })
  removePidFile(path)
  assert.equal(read(path), `${rival.pid}\n`)
  assert.deepEqual(readdirSync(join(path, '..')), ['prefork.pid'])
  writePidFile(path, rival.pid)
  assert.equal(read(path), OURS)
})

test('a successor’s is left alone', (t) => {
  const path = pathIn(t)
  writePidFile(path)
  writeFileSync(path, `${NOBODY}\n`)
  removePidFile(path)
  assert.equal(read(path), `${NOBODY}\n`)
})

test('where it cannot be written', (t) => {
  const folder = folderOf(t)
  writeFileSync(join(folder, 'file'), '')
  mkdirSync(join(folder, 'folder'))
  const refuses = (name: string, says: string) => {
    const message = `cannot write ${folder}/${name}: ${says} with --pid-file`
    assert.throws(() => writePidFile(join(folder, name)), { name: 'OperatorError', message })
  }
  refuses('no/pid', `there is no directory ${folder}/no. Create it, or choose another`)
  refuses('file/pid', `${folder}/file is not a directory. Choose another`)
  refuses('folder', 'a directory is there. Choose another file')
  assert.deepEqual(readdirSync(folder), ['file', 'folder'])
})

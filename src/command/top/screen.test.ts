import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineOf, piece } from './line.ts'
import { type Environment, type Input, type Output, Screen } from './screen.ts'

/** A terminal that keeps what is done to it. */
function terminalWith(env: Environment, more: Partial<Output> = {}, isTyped = true) {
  const done: (string | boolean)[] = []
  const setRawMode = (isRaw: boolean) => {
    done.push(isRaw)
    return undefined as never
  }
  const write = (text: unknown) => done.push(String(text)) > 0
  const on = () => undefined as never
  const output = { isTTY: true, columns: 6, rows: 3, on, write, ...more } as unknown as Output
  const input = { isTTY: isTyped, on, setRawMode } as unknown as Input
  return { screen: new Screen(input, output, env), done }
}

const TAKEN = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const GIVEN = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l'
const LINES = [lineOf('whole ', piece('!', 'bad')), lineOf(), lineOf('short')]

test('it is taken, and given back once, whoever asks how often', () => {
  const { screen, done } = terminalWith({ TERM: 'xterm' })
  screen.giveBack()
  screen.take()
  screen.giveBack()
  screen.giveBack()
  assert.deepEqual(done, [false, true, TAKEN, GIVEN, false])
})

test('where nobody can type, only what is shown is changed', () => {
  const { screen, done } = terminalWith({ TERM: 'xterm' }, {}, false)
  screen.take()
  screen.giveBack()
  assert.deepEqual(done, [TAKEN, GIVEN])
})

test('a frame is one write; a line that fills its row is not erased behind', () => {
  const { screen, done } = terminalWith({ TERM: 'xterm', NO_COLOR: '1' }, { columns: 7 })
  screen.draw(LINES)
  screen.take()
  screen.draw(LINES)
  const drawn = '\x1b[?2026h\x1b[1;1Hwhole !\x1b[2;1H\x1b[K\x1b[3;1Hshort\x1b[K\x1b[?2026l'
  assert.deepEqual(done, [false, true, TAKEN, drawn])
})

test('what is below a frame is erased', () => {
  const { screen, done } = terminalWith({ TERM: 'xterm' }, { rows: 4 })
  screen.take()
  screen.draw(LINES)
  assert.match(String(done.at(-1)), /short\x1b\[K\x1b\[J\x1b\[\?2026l$/)
})

const COLOURS: readonly (readonly [Environment, boolean])[] = [
  [{ TERM: 'xterm' }, true],
  [{ TERM: 'linux', NO_COLOR: '' }, true],
  [{ TERM: 'xterm', NO_COLOR: '1' }, false],
  [{ TERM: 'dumb' }, false],
  [{ TERM: '' }, false],
  [{}, false],
]

for (const [env, hasColour] of COLOURS) {
  test(`${JSON.stringify(env)}: ${hasColour ? 'in colour' : 'without'}`, () => {
    const { screen, done } = terminalWith(env)
    screen.take()
    screen.draw(LINES)
    assert.equal(String(done.at(-1)).includes('\x1b[1;31m!\x1b[0m'), hasColour)
  })
}

test('a terminal that understands nothing gets lines and no more', () => {
  const { screen, done } = terminalWith({ TERM: 'dumb' })
  screen.take()
  screen.draw(LINES)
  screen.giveBack()
  assert.deepEqual(done, [false, true, 'whole !\nshort\n\n', false])
})

const SIZES: readonly (readonly [Partial<Output>, Environment, string])[] = [
  [{ columns: 100, rows: 30 }, { COLUMNS: '5' }, '100×30'],
  [{ columns: 0, rows: 0 }, { COLUMNS: '60', LINES: '15' }, '60×15'],
  [{ columns: 0, rows: 0 }, {}, '80×24'],
]

for (const [output, env, said] of SIZES) {
  test(`${JSON.stringify(output)} with ${JSON.stringify(env)}: ${said}`, () => {
    const { columns, rows } = terminalWith(env, output).screen.size
    assert.equal(`${columns}×${rows}`, said)
  })
}

/**
 * A program in a terminal of its own (pty(7)): what it draws, and keys pressed at it.
 *
 *     const terminal = openTerminal(t, { rows: 24, columns: 80 }, ['prefork', 'top'])
 *     await terminal.shows(/q quit/)
 *     terminal.press('q')
 *     assert.equal(await terminal.ended, 0)
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { ReadStream } from 'node:tty'
import { O_NOCTTY, O_RDWR } from '../../src/kernel/constants.ts'
import { bind } from '../../src/kernel/libc.ts'
import { allocate } from '../../src/kernel/memory.ts'
import { waitUntil } from './program.ts'

const libc = {
  posix_openpt: bind('posix_openpt', 'int', ['int']),
  grantpt: bind('grantpt', 'int', ['int']),
  unlockpt: bind('unlockpt', 'int', ['int']),
  ptsname_r: bind('ptsname_r', 'int', ['int', 'uintptr_t', 'size_t']),
  ioctl: bind('ioctl', 'int', ['int', 'long', 'uintptr_t']),
}

/** asm-generic/ioctls.h; `struct winsize { unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel; }` */
const TIOCSWINSZ = 0x5414

export interface Size {
  readonly rows: number
  readonly columns: number
}

export class Terminal {
  readonly pid: number
  /** The exit code; a signal's name. */
  readonly ended: Promise<number | string | null>
  readonly #master: number
  #output = ''

  constructor(master: number, stream: ReadStream, child: ReturnType<typeof spawn>) {
    this.#master = master
    this.pid = child.pid!
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)))
    stream.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    stream.on('error', () => {}) // EIO: nobody has the other side open any more
  }

  /** All that was written to it. */
  get output(): string {
    return this.#output
  }

  /** What was drawn last, as lines, without colours. */
  get frame(): string[] {
    const [frame = ''] = this.#output.split('\x1b[H').slice(-1)
    return frame.replace(/\x1b\[[?\d;]*[a-zA-Z]/g, '').split(/\r*\n/)
  }

  async shows(pattern: RegExp): Promise<void> {
    await waitUntil(() => pattern.test(this.frame.join('\n')), `the terminal shows ${pattern}`)
  }

  press(keys: string): void {
    writeSync(this.#master, keys)
  }

  resize(size: Size): void {
    setSize(this.#master, size)
  }
}

/** The command, as a session of its own whose terminal this is; killed with the test. */
export function openTerminal(
  t: TestContext,
  size: Size,
  [command, ...args]: readonly [string, ...string[]],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Terminal {
  const master = libc.posix_openpt(O_RDWR | O_NOCTTY)
  const name = allocate(128)
  for (const result of [libc.grantpt(master), libc.unlockpt(master), libc.ptsname_r(master, name.address, 128)])
    if (result !== 0) throw new Error(`no terminal: ${result}`)
  setSize(master, size)
  const slave = openSync(name.bytes.toString('latin1', 0, name.bytes.indexOf(0)), O_RDWR | O_NOCTTY)
  const child = spawn('setsid', ['--ctty', '--wait', command, ...args], {
    stdio: [slave, slave, slave],
    env: { ...process.env, TERM: 'xterm-256color', ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  })
  closeSync(slave)
  const stream = new ReadStream(master)
  t.after(() => {
    child.kill('SIGKILL')
    stream.destroy()
  })
  return new Terminal(master, stream, child)
}

function setSize(fd: number, { rows, columns }: Size): void {
  const winsize = allocate(8)
  winsize.bytes.writeUInt16LE(rows, 0)
  winsize.bytes.writeUInt16LE(columns, 2)
  libc.ioctl(fd, TIOCSWINSZ, winsize.address)
}

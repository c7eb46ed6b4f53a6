/**
 * A peer while it is measured: started on a core of its own, asked once whether it
 * answers what it should, stopped by its pid.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { get as getSecurely } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { certificateFiles } from './certificate.mjs'
import { filesAllowed, withFiles } from './files.mjs'
import { FILE_BYTES, HELLO_TEXT } from './workloads.mjs'

/** One core is the server's, the other is for whoever asks: neither takes the other's time. */
export const PIN_SERVER = ['taskset', '-c', '0']
export const PIN_LOAD = ['taskset', '-c', '1']
export const PINNING = 'server on core 0, load on core 1'

/** Descriptors for anything but connections. */
const FILES_SPARE = 1_000
const PATIENCE_MS = 30_000
const LOOK_AGAIN_MS = 50
/** Started and not yet ended: whoever is interrupted ends them. */
const running = new Set()

export class Program {
  pid
  port
  #child
  #folder
  #ended
  /** Its certificate and key, where it speaks TLS. */
  #tls = null
  #said = ''
  #title

  constructor(title) {
    this.#title = title
  }

  /** It answers `workload` as it should when this settles. */
  static async start(peer, workload, site, workers = 1) {
    const program = new Program(peer.title)
    try {
      await program.#start(peer, workload, site, workers)
    } catch (error) {
      await program.stop()
      throw program.#withWords(error)
    }
    return program
  }

  /** What `work` does with it. Where that fails, it is told with whom, and what that one has said: it may be gone. */
  async with(work) {
    try {
      return await work(this)
    } catch (error) {
      throw this.#withWords(error)
    }
  }

  #withWords({ message }) {
    return new Error(`${this.#title}: ${message}${this.#said === '' ? '' : `\n${this.#said}`}`)
  }

  async #start(peer, workload, site, workers) {
    this.#folder = mkdtempSync(join(tmpdir(), 'prefork-bench-'))
    chmodSync(this.#folder, 0o755)
    this.port = await freePort()
    const connections = workload.load.connections + (workload.held ?? 0)
    // Twice as many as are asked for: the workers of a server do not share them evenly.
    const files = filesAllowed(FILES_SPARE + 2 * connections)
    const accessLog = workload.isLogged ? this.accessLog : null
    this.#tls = workload.isSecure ? await certificateFiles() : null
    const place = {
      folder: this.#folder,
      site,
      workers,
      connections,
      files,
      port: this.port,
      accessLog,
      tls: this.#tls,
    }
    const words = [...PIN_SERVER, ...withFiles(files, peer.command(place))]
    // In a process group of its own: Apache ends the whole of its group, and that was ours.
    const options = { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true }
    this.#child = spawn(words[0], words.slice(1), options)
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (text) => {
        this.#said = `${this.#said}${text}`.slice(-2_000)
      })
    }
    this.pid = this.#child.pid // taskset and prlimit become the server
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve))
    running.add(this)
    await this.#answers(workload, site)
  }

  url(path) {
    return `${this.#tls === null ? 'http' : 'https'}://127.0.0.1:${this.port}${path}`
  }

  /** Where its lines are, when the workload is one that is logged. */
  get accessLog() {
    return join(this.#folder, 'access.log')
  }

  async stop() {
    running.delete(this)
    if (this.#child !== undefined) {
      const force = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS)
      this.#child.kill('SIGTERM')
      await this.#ended
      clearTimeout(force)
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #answers({ work, path }, site) {
    const giveUpAt = performance.now() + PATIENCE_MS
    for (;;) {
      const answer = await ask(this.url(path), this.#tls).catch(() => null)
      if (answer !== null) {
        const mistake = mistakeIn(answer, work, path, site)
        if (mistake !== null) throw new Error(`answers ${path} with ${mistake}\n`)
        return
      }
      if (this.#child.exitCode !== null) throw new Error(`ended with ${this.#child.exitCode}\n`)
      if (performance.now() > giveUpAt) throw new Error('does not listen\n')
      await sleep(LOOK_AGAIN_MS)
    }
  }
}

export async function stopAll() {
  await Promise.all([...running].map((program) => program.stop()))
}

/** What is wrong with an answer to one of our workloads; null: nothing is. */
export function mistakeIn({ status, body }, work, path, site) {
  if (status !== 200) return `status ${status}`
  if (work === 'hello') return body.toString() === HELLO_TEXT ? null : `the text ${JSON.stringify(body.toString())}`
  if (work === 'file') {
    const isSame = body.equals(readFileSync(join(site, path)))
    return isSame ? null : `${body.length} bytes that are not the file of ${FILE_BYTES[path.slice(1)]}`
  }
  const { path: told } = JSON.parse(body.toString())
  return told === path.split('?')[0] ? null : `the path ${told}`
}

function ask(url, tls) {
  return new Promise((resolve, reject) => {
    const [ask, trust] = tls === null ? [get, {}] : [getSecurely, { ca: readFileSync(tls.cert) }]
    ask(url, { ...trust, agent: false, timeout: PATIENCE_MS }, (response) => {
      const pieces = []
      response.on('data', (piece) => pieces.push(piece))
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(pieces) }))
      response.on('error', reject)
    }).on('error', reject)
  })
}

/** Nobody else takes it in the moment until the server does: the machine is ours while it is measured. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

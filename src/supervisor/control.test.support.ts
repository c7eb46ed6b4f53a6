/**
 * For the tests of the control socket: a folder, a watcher that goes round when it
 * is told to, and a client that says what it likes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { connectControl, type Packet, receivePacket, sendPacket, type ToServer } from '../control/protocol.ts'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN, MSG_DONTWAIT } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { close, type Fd, isOpen } from '../kernel/fd.ts'
import { memoryOf } from '../kernel/memory.ts'
import { send } from '../kernel/socket.ts'
import type { OnRequest, Watcher } from './control-clients.ts'
import { ControlServer } from './control-server.ts'

export function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-control-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const EVENTS = 64

export class EpollWatcher implements Watcher {
  readonly #epoll = epoll_create1(EPOLL_CLOEXEC)
  readonly #events = new EpollEvents(EVENTS)
  readonly #watched = new Map<Fd, () => void>()

  get size(): number {
    return this.#watched.size
  }

  watch(fd: Fd, onReadable: () => void): void {
    this.#watched.set(fd, onReadable)
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
  }

  unwatch(fd: Fd): void {
    this.#watched.delete(fd)
    epoll_ctl(this.#epoll, EPOLL_CTL_DEL, fd, 0)
  }

  /** Waits as long as told, and calls whoever is readable; false when nobody is. */
  turn(timeoutMs = 0): boolean {
    const count = epoll_wait(this.#epoll, this.#events, timeoutMs)
    for (let i = 0; i < count; i++) this.#watched.get(this.#events.fd(i))?.()
    return count > 0
  }

  /** Until nobody is readable any more. On Unix sockets what was sent has arrived, so that is all there is to hear. */
  settle(): void {
    while (this.turn());
  }
}

export class Client {
  readonly #watcher: EpollWatcher
  readonly fd: Fd

  constructor(t: TestContext, watcher: EpollWatcher, path: string) {
    this.#watcher = watcher
    this.fd = connectControl(path)
    t.after(() => this.leave())
  }

  say(message: ToServer): this {
    sendPacket(this.fd, message)
    this.#watcher.settle()
    return this
  }

  sayBytes(bytes: Uint8Array): this {
    send(this.fd, memoryOf(bytes), 0, bytes.length, MSG_DONTWAIT)
    this.#watcher.settle()
    return this
  }

  /** What it has been told by now: messages, and 'closed' at the end. */
  heard(): (Packet | 'closed' | 'garbage')[] {
    const heard: (Packet | 'closed' | 'garbage')[] = []
    for (let next = receivePacket(this.fd); next !== null; next = receivePacket(this.fd)) {
      heard.push(next)
      if (next === 'closed') break
    }
    return heard
  }

  leave(): void {
    if (isOpen(this.fd)) close(this.fd)
    this.#watcher.settle()
  }
}

/** A server on a socket of its own, and clients for it. It ends with the test. */
export function serverFor(t: TestContext, onRequest: OnRequest, path = join(folderOf(t), 'control')) {
  const watcher = new EpollWatcher()
  const server = new ControlServer(path, watcher, onRequest)
  let isOpen = true
  t.after(() => {
    if (isOpen) server.close()
  })
  const end = () => {
    isOpen = false
    server.close()
  }
  const connect = () => {
    const client = new Client(t, watcher, path)
    watcher.settle()
    return client
  }
  return { path, end, watcher, connect }
}

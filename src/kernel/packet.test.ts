/** With datagrams to a port of our own on loopback, where each packet passes twice: on its way out, and in again. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clock_gettime } from './clock.ts'
import {
  AF_INET,
  ARPHRD_LOOPBACK,
  BPF_ABS,
  BPF_B,
  BPF_H,
  BPF_JEQ,
  BPF_JMP,
  BPF_LD,
  BPF_RET,
  BPF_W,
  CLOCK_REALTIME,
  ETH_P_IP,
  IPPROTO_UDP,
  PACKET_HOST,
  PACKET_OUTGOING,
  SKF_AD_OFF,
  SKF_AD_PROTOCOL,
  SO_ATTACH_FILTER,
  SOCK_DGRAM,
  SOL_SOCKET,
} from './constants.ts'
import { SyscallError } from './errno.ts'
import { close, type Fd } from './fd.ts'
import { allocate, memoryOf } from './memory.ts'
import {
  type BpfInstruction,
  FRAMES_PER_BLOCK,
  mapPacketRing,
  openPacketSocket,
  type PacketRing,
  packetsDropped,
} from './packet.ts'
import { type SocketAddress, socketAddress } from './sockaddr.ts'
import { bind, getsockname, recv, sendto, setsockoptBytes, socket } from './socket.ts'

const KEPT_BYTES = 40

/** Datagrams over IPv4 to that port; of each KEPT_BYTES. */
function datagramsTo(port: number): BpfInstruction[] {
  const load = (size: number, k: number) => ({ code: BPF_LD | size | BPF_ABS, jt: 0, jf: 0, k: k >>> 0 })
  const unlessEqual = (k: number, jf: number) => ({ code: BPF_JMP | BPF_JEQ, jt: 0, jf, k })
  const answer = (k: number) => ({ code: BPF_RET, jt: 0, jf: 0, k })
  return [
    load(BPF_W, SKF_AD_OFF + SKF_AD_PROTOCOL),
    unlessEqual(ETH_P_IP, 5),
    load(BPF_B, 9),
    unlessEqual(IPPROTO_UDP, 3),
    load(BPF_H, 22),
    unlessEqual(port, 1),
    answer(KEPT_BYTES),
    answer(0),
  ]
}

interface Scene {
  readonly packets: Fd
  readonly ring: PacketRing
  /** A datagram, until it is there. */
  readonly send: (text: string) => void
}

/** Null where this process may not: the test says so and is skipped. */
function sceneOf(t: TestContext, ways: 'in' | 'in and out' = 'in and out'): Scene | null {
  const fds = [socket(AF_INET, SOCK_DGRAM), socket(AF_INET, SOCK_DGRAM)]
  t.after(() => fds.forEach(close))
  const [receiver, sender] = fds as [Fd, Fd]
  bind(receiver, socketAddress('127.0.0.1'))
  const address = getsockname(receiver) as SocketAddress & { port: number }
  try {
    const packets = openPacketSocket(datagramsTo(address.port), FRAMES_PER_BLOCK, ways)
    fds.push(packets)
    const ring = mapPacketRing(packets, FRAMES_PER_BLOCK)
    t.after(() => ring.unmap())
    const received = allocate(64)
    const send = (text: string) => {
      sendto(sender, memoryOf(Buffer.from(text)), text.length, 0, address)
      recv(receiver, received, 0, 64) // by then it has come in
    }
    return { packets, ring, send }
  } catch (error) {
    if (!(error instanceof SyscallError) || error.code !== 'EPERM') throw error
    t.skip('needs CAP_NET_RAW')
    return null
  }
}

/** The texts of all packets that are there, each with which way it passed. */
function takeAll(ring: PacketRing): string[] {
  const taken: string[] = []
  while (ring.holds()) {
    const way = { [PACKET_OUTGOING]: 'out', [PACKET_HOST]: 'in' }[ring.packetType]
    taken.push(`${way} ${ring.bytes.toString('latin1', ring.packetAt + 28, ring.packetEnd)}`)
    ring.release()
  }
  return taken
}

test('packets are seen with what they hold, when they passed and where', (t) => {
  const scene = sceneOf(t)
  if (scene === null) return
  const { ring, send } = scene
  assert.equal(ring.holds(), false)
  const before = clock_gettime(CLOCK_REALTIME)
  send('one')
  const after = clock_gettime(CLOCK_REALTIME)
  assert.equal(ring.holds(), true)
  const at = ring.seconds * 1000 + ring.nanoseconds / 1e6
  assert.ok(before <= at && at <= after, `${before} ${at} ${after}`)
  assert.equal(ring.hardwareType, ARPHRD_LOOPBACK)
  assert.ok(ring.interfaceIndex > 0)
  assert.equal(ring.bytes[ring.packetAt], 0x45, 'it begins with its IP header')
  send('longer than what is kept of it')
  assert.deepEqual(takeAll(ring), ['out one', 'in one', 'out longer than ', 'in longer than '])
  assert.equal(ring.holds(), false)
})

test('those that go out need not be kept', (t) => {
  const scene = sceneOf(t, 'in')
  if (scene === null) return
  scene.send('one')
  assert.deepEqual(takeAll(scene.ring), ['in one'])
})

test('the ring goes round, and what finds it full is counted once', (t) => {
  const scene = sceneOf(t)
  if (scene === null) return
  const { ring, send, packets } = scene
  for (let i = 0; i < FRAMES_PER_BLOCK; i++) {
    send(`${i}`)
    assert.deepEqual(takeAll(ring), [`out ${i}`, `in ${i}`])
  }
  assert.equal(packetsDropped(packets), 0)
  for (let i = 0; i < FRAMES_PER_BLOCK / 2 + 5; i++) send(`${i}`)
  assert.equal(takeAll(ring).at(-1), `in ${FRAMES_PER_BLOCK / 2 - 1}`, 'the oldest are kept')
  assert.equal(packetsDropped(packets), 10)
  assert.equal(packetsDropped(packets), 0)
  send('again')
  assert.deepEqual(takeAll(ring), ['out again', 'in again'])
})

test('nobody who was handed the descriptor can see more, nor map what is not there', (t) => {
  const scene = sceneOf(t)
  if (scene === null) return
  assert.throws(() => setsockoptBytes(scene.packets, SOL_SOCKET, SO_ATTACH_FILTER, allocate(16)), { code: 'EPERM' })
  assert.throws(() => mapPacketRing(scene.packets, 2 * FRAMES_PER_BLOCK), { syscall: 'mmap', code: 'EINVAL' })
})

test('a filter that is wrong is refused', (t) => {
  if (sceneOf(t) === null) return
  const endless = [{ code: BPF_LD, jt: 0, jf: 0, k: 0 }]
  assert.throws(() => openPacketSocket(endless, FRAMES_PER_BLOCK, 'in'), { syscall: 'setsockopt', code: 'EINVAL' })
})

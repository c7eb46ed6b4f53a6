/**
 * Which packets of all that pass through the machine are of the server's
 * handshakes: two programs in classic BPF (linux/filter.h), which the kernel runs on
 * each packet before it copies one. Pure: ports in, instructions out.
 *
 * | filter | lets through |
 * | --- | --- |
 * | turns | segments with SYN, FIN or RST, from clients to our ports and back |
 * | acks | from clients to our ports: nothing but an ACK, no data in it |
 *
 * A packet of a client has come in for this machine, and one of ours goes out. On
 * the loopback device each packet does both, and is taken as it comes in.
 *
 * Not seen: all but the first fragment of a packet, which have no TCP header; and
 * IPv6 packets with headers between IPv6's and TCP's, which clients do not send.
 * Addresses are not looked at: a machine that is a router as well sees here what it
 * passes on to such a port of another.
 */
import {
  ARPHRD_LOOPBACK,
  BPF_ABS,
  BPF_ALU,
  BPF_AND,
  BPF_B,
  BPF_H,
  BPF_IMM,
  BPF_IND,
  BPF_JA,
  BPF_JEQ,
  BPF_JMP,
  BPF_JSET,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_MSH,
  BPF_RET,
  BPF_RSH,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  BPF_W,
  BPF_X,
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_TCP,
  PACKET_HOST,
  PACKET_OUTGOING,
  SKF_AD_HATYPE,
  SKF_AD_OFF,
  SKF_AD_PKTTYPE,
  SKF_AD_PROTOCOL,
} from '../kernel/constants.ts'
import type { BpfInstruction } from '../kernel/packet.ts'

/** The most ports that a filter takes. A jump goes over 255 instructions at most, and each port is one of them. */
export const PORTS_MAX = 64
/** What is kept of a packet: the longest IPv4 header and the longest TCP header. */
export const KEPT_BYTES = 120

/** An instruction whose jumps name where they go; without a name it goes on with the next. */
interface Step {
  readonly code: number
  readonly k: number
  readonly yes?: string
  readonly no?: string
}
/** Or the name of the place before the next step. */
type Line = Step | string

/** SYN, FIN, RST. Throws a RangeError for more than PORTS_MAX ports. */
export function turnsFilter(ports: readonly number[]): BpfInstruction[] {
  return assemble([
    ...tcpHeaderInX,
    load(BPF_B | BPF_IND, 13),
    { code: BPF_JMP | BPF_JSET, k: 0x07, no: 'drop' },
    loadAncillary(SKF_AD_PKTTYPE),
    when(PACKET_OUTGOING, 'outgoing'),
    unless(PACKET_HOST, 'drop'),
    load(BPF_H | BPF_IND, 2),
    ...whenOneOf(ports, 'keep'),
    loadAncillary(SKF_AD_HATYPE),
    { ...when(ARPHRD_LOOPBACK, 'from us'), no: 'drop' },
    'outgoing',
    loadAncillary(SKF_AD_HATYPE),
    when(ARPHRD_LOOPBACK, 'drop'),
    'from us',
    load(BPF_H | BPF_IND, 0),
    ...whenOneOf(ports, 'keep'),
    ...verdicts,
  ])
}

/** Bare ACKs; what ECN adds to the flags is no matter. Throws as `turnsFilter` does. */
export function acksFilter(ports: readonly number[]): BpfInstruction[] {
  return assemble([
    ...tcpHeaderInX,
    load(BPF_B | BPF_IND, 13),
    { code: BPF_ALU | BPF_AND | BPF_K, k: 0x3f },
    unless(0x10, 'drop'),
    { code: BPF_STX, k: 1 },
    load(BPF_B | BPF_IND, 12), // the header's length in words, in the upper half
    { code: BPF_ALU | BPF_AND | BPF_K, k: 0xf0 },
    { code: BPF_ALU | BPF_RSH | BPF_K, k: 2 },
    { code: BPF_LDX | BPF_MEM, k: 0 },
    { code: BPF_JMP | BPF_JEQ | BPF_X, k: 0, no: 'drop' },
    { code: BPF_LDX | BPF_MEM, k: 1 },
    loadAncillary(SKF_AD_PKTTYPE),
    unless(PACKET_HOST, 'drop'), // so that of loopback's two the one that comes in is taken here, too
    load(BPF_H | BPF_IND, 2),
    ...whenOneOf(ports, 'keep'),
    ...verdicts,
  ])
}

function load(mode: number, k: number): Step {
  return { code: BPF_LD | mode, k }
}

/** What the kernel knows of the packet beside its bytes. */
function loadAncillary(which: number): Step {
  return load(BPF_W | BPF_ABS, SKF_AD_OFF + which)
}

function when(k: number, yes: string): Step {
  return { code: BPF_JMP | BPF_JEQ | BPF_K, k, yes }
}

function unless(k: number, no: string): Step {
  return { code: BPF_JMP | BPF_JEQ | BPF_K, k, no }
}

function whenOneOf(ports: readonly number[], yes: string): Step[] {
  if (ports.length > PORTS_MAX) throw new RangeError(`${ports.length} ports, over ${PORTS_MAX}`)
  return ports.map((port) => when(port, yes))
}

/** From here on X is where the TCP header begins, and M[0] how long it and what follows it are: RFC 791 §3.1, RFC 8200 §3. */
const tcpHeaderInX: readonly Line[] = [
  loadAncillary(SKF_AD_PROTOCOL),
  when(ETH_P_IP, 'IPv4'),
  { ...when(ETH_P_IPV6, 'IPv6'), no: 'drop' },
  'IPv4',
  load(BPF_B | BPF_ABS, 9),
  unless(IPPROTO_TCP, 'drop'),
  load(BPF_H | BPF_ABS, 6),
  { code: BPF_JMP | BPF_JSET, k: 0x1fff, yes: 'drop' }, // a later fragment
  { code: BPF_LDX | BPF_B | BPF_MSH, k: 0 },
  load(BPF_H | BPF_ABS, 2),
  { code: BPF_ALU | BPF_SUB | BPF_X, k: 0 },
  { code: BPF_ST, k: 0 },
  { code: BPF_JMP | BPF_JA, k: 0, yes: 'TCP' },
  'IPv6',
  load(BPF_B | BPF_ABS, 6),
  unless(IPPROTO_TCP, 'drop'),
  load(BPF_H | BPF_ABS, 4),
  { code: BPF_ST, k: 0 },
  { code: BPF_LDX | BPF_W | BPF_IMM, k: 40 },
  'TCP',
]

const verdicts: readonly Line[] = [
  'drop',
  { code: BPF_RET | BPF_K, k: 0 },
  'keep',
  { code: BPF_RET | BPF_K, k: KEPT_BYTES },
]

/** The names become distances: how many instructions are skipped. */
function assemble(lines: readonly Line[]): BpfInstruction[] {
  const places = new Map<string, number>()
  const steps: Step[] = []
  for (const line of lines) {
    if (typeof line === 'string') places.set(line, steps.length)
    else steps.push(line)
  }
  return steps.map(({ code, k, yes, no }, at) => {
    const distance = (to: string | undefined) => (to === undefined ? 0 : places.get(to)! - at - 1)
    if (code === (BPF_JMP | BPF_JA)) return { code, jt: 0, jf: 0, k: distance(yes) }
    return { code, jt: distance(yes), jf: distance(no), k: k >>> 0 }
  })
}

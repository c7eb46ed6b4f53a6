/**
 * What `prefork explain` tells, line by line, read back.
 *
 *     worker 0    4251  accept4(7, 127.0.0.1:51234, SOCK_NONBLOCK) = 12    Accepted connection from …
 */
export interface ToldCall {
  /** `supervisor`, `preloader`, `child`, `worker 0`. */
  readonly name: string
  readonly pid: number
  readonly call: string
  readonly args: string
  /** `12`, `-1 EAGAIN`, `0, pid 4250`. */
  readonly result: string
  readonly says: string
}

const LINE = /^(\w+(?: \d+)?) +(\d+) {2}(\w+)\((.*?)\) = (.*?)(?: {2,}(.*))?$/

/** The calls among the lines, in order. */
export function toldIn(lines: readonly string[]): ToldCall[] {
  return lines.flatMap((line) => {
    const found = LINE.exec(line)
    if (found === null) return []
    const [, name, pid, call, args, result, says = ''] = found as unknown as string[]
    return [{ name: name!, pid: Number(pid), call: call!, args: args!, result: result!, says }]
  })
}

/** `recv(12, "GET / HTTP/1.1"…, 65536, 0) = 78` */
export function callText({ call, args, result }: ToldCall): string {
  return `${call}(${args}) = ${result}`
}

/**
 * `prefork/kernel`: Linux system calls as functions, each named as its manual
 * page. This is the floor that the server stands on, open to everyone.
 *
 *     import { AF_INET, SOCK_STREAM, accept4, bind, listen, socket, socketAddress } from 'prefork/kernel'
 *
 * Descriptors are of the type `Fd`; addresses of memory come from `allocate` and
 * are valid while the `Memory` is reachable. A call that fails in a way its doc
 * does not name throws a `SyscallError` with the call's and the errno's names.
 */
export * from './clock.ts'
export * from './constants.ts'
export * from './credentials.ts'
export * from './directory.ts'
export * from './epoll.ts'
export * from './errno.ts'
export { close, type Fd, fcntl, isOpen, setCloseOnExec } from './fd.ts'
export * from './file.ts'
export * from './ioctl.ts'
export { allocate, type Memory, memoryOf } from './memory.ts'
export { type ReceivedMessage, recvmsg, SCM_MAX_FD, sendmsg } from './message.ts'
export * from './mmap.ts'
export * from './packet.ts'
export * from './poll.ts'
export * from './process.ts'
export * from './sock-diag.ts'
export * from './sockaddr.ts'
export * from './socket.ts'
export * from './tcp.ts'
export { decodeTcpInfo, TCP_INFO_BYTES, type TcpInfo } from './tcp-info.ts'
export { uv_loop_fork } from './uv.ts'

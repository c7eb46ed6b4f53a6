/**
 * The numbers of the kernel's headers. Nobody else writes `0x80000`.
 *
 * Most are the same on every architecture (asm-generic); those that differ are
 * chosen by `process.arch` in `layout.ts`, together with the struct layouts.
 */

// bits/socket.h, asm-generic/socket.h
export const AF_UNSPEC = 0
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_NETLINK = 16
export const AF_PACKET = 17
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_RAW = 3
export const SOCK_SEQPACKET = 5
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000
export const SOL_SOCKET = 1
export const SOL_PACKET = 263
export const SO_REUSEADDR = 2
export const SO_TYPE = 3
export const SO_ERROR = 4
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_KEEPALIVE = 9
export const SO_LINGER = 13
export const SO_REUSEPORT = 15
export const SO_PEERCRED = 17
export const SO_ATTACH_FILTER = 26
export const SO_ACCEPTCONN = 30
export const SO_DOMAIN = 39
export const SO_LOCK_FILTER = 44
export const SO_INCOMING_CPU = 49
export const SCM_RIGHTS = 1
export const MSG_CTRUNC = 0x8
export const MSG_CMSG_CLOEXEC = 0x40000000
export const MSG_PEEK = 0x2
export const MSG_DONTWAIT = 0x40
export const MSG_NOSIGNAL = 0x4000
export const MSG_MORE = 0x8000
export const SHUT_RD = 0
export const SHUT_WR = 1
export const SHUT_RDWR = 2

// netinet/in.h
export const IPPROTO_IP = 0
export const IPPROTO_TCP = 6
export const IPPROTO_UDP = 17
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26

// linux/tcp.h
export const TCP_NODELAY = 1
export const TCP_CORK = 3
export const TCP_KEEPIDLE = 4
export const TCP_DEFER_ACCEPT = 9
export const TCP_INFO = 11
export const TCP_FASTOPEN = 23
export const TCP_SAVE_SYN = 27
export const TCP_SAVED_SYN = 28
export const TCP_ULP = 31

// net/tcp_states.h
export const TCP_ESTABLISHED = 1
export const TCP_SYN_RECV = 3
export const TCP_LISTEN = 10

// linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h, linux/unix_diag.h
export const NETLINK_SOCK_DIAG = 4
export const NLM_F_REQUEST = 0x001
export const NLM_F_DUMP = 0x300
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const SOCK_DIAG_BY_FAMILY = 20
export const INET_DIAG_INFO = 2
export const UDIAG_SHOW_RQLEN = 0x10
export const UNIX_DIAG_RQLEN = 4

// linux/if_packet.h
export const PACKET_HOST = 0
export const PACKET_OUTGOING = 4
export const PACKET_RX_RING = 5
export const PACKET_STATISTICS = 6
export const PACKET_VERSION = 10
export const PACKET_IGNORE_OUTGOING = 23
export const TPACKET_V2 = 1
export const TP_STATUS_KERNEL = 0
export const TP_STATUS_USER = 1

// linux/if_ether.h, linux/if_arp.h
export const ETH_P_ALL = 0x0003
export const ETH_P_IP = 0x0800
export const ETH_P_IPV6 = 0x86dd
export const ARPHRD_LOOPBACK = 772

// linux/bpf_common.h, linux/filter.h: the parts that an instruction's code is put together from
export const BPF_LD = 0x00
export const BPF_LDX = 0x01
export const BPF_ST = 0x02
export const BPF_STX = 0x03
export const BPF_ALU = 0x04
export const BPF_JMP = 0x05
export const BPF_RET = 0x06
export const BPF_W = 0x00
export const BPF_H = 0x08
export const BPF_B = 0x10
export const BPF_IMM = 0x00
export const BPF_ABS = 0x20
export const BPF_IND = 0x40
export const BPF_MEM = 0x60
export const BPF_MSH = 0xa0
export const BPF_SUB = 0x10
export const BPF_AND = 0x50
export const BPF_RSH = 0x70
export const BPF_JA = 0x00
export const BPF_JEQ = 0x10
export const BPF_JSET = 0x40
export const BPF_K = 0x00
export const BPF_X = 0x08
/** What is not in the packet is loaded as if it lay here. */
export const SKF_AD_OFF = -0x1000
export const SKF_AD_PROTOCOL = 0
export const SKF_AD_PKTTYPE = 4
export const SKF_AD_HATYPE = 28

// linux/time.h
export const CLOCK_REALTIME = 0
export const CLOCK_MONOTONIC = 1
export const CLOCK_BOOTTIME = 7

// linux/sockios.h
export const SIOCOUTQ = 0x5411

// poll.h
export const POLLIN = 0x1
export const POLLOUT = 0x4
export const POLLERR = 0x8
export const POLLHUP = 0x10

// sys/epoll.h
export const EPOLL_CLOEXEC = 0o2000000
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3
export const EPOLLIN = 0x001
export const EPOLLOUT = 0x004
export const EPOLLERR = 0x008
export const EPOLLHUP = 0x010
export const EPOLLRDHUP = 0x2000
export const EPOLLEXCLUSIVE = 0x10000000
export const EPOLLET = 0x80000000

// asm-generic/fcntl.h; those that differ between architectures come from layout.ts
export { O_DIRECTORY, O_NOFOLLOW } from './layout.ts'

export const O_RDONLY = 0
export const O_WRONLY = 1
export const O_RDWR = 2
export const O_CREAT = 0o100
export const O_EXCL = 0o200
export const O_NOCTTY = 0o400
export const O_TRUNC = 0o1000
export const O_APPEND = 0o2000
export const O_NONBLOCK = 0o4000
export const O_CLOEXEC = 0o2000000
export const O_PATH = 0o10000000
export const AT_FDCWD = -100
export const AT_SYMLINK_NOFOLLOW = 0x100
export const F_GETFD = 1
export const F_SETFD = 2
export const F_GETFL = 3
export const F_SETFL = 4
export const F_DUPFD_CLOEXEC = 1030
export const F_ADD_SEALS = 1033
export const F_GET_SEALS = 1034
export const F_SEAL_SEAL = 1
export const F_SEAL_SHRINK = 2
export const F_SEAL_GROW = 4
export const F_SEAL_WRITE = 8
export const FD_CLOEXEC = 1
export const LOCK_EX = 2
export const LOCK_NB = 4

// linux/openat2.h
export const RESOLVE_NO_XDEV = 0x01
export const RESOLVE_NO_MAGICLINKS = 0x02
export const RESOLVE_NO_SYMLINKS = 0x04
export const RESOLVE_BENEATH = 0x08

// linux/stat.h
export const S_IFMT = 0o170000
export const S_IFREG = 0o100000
export const S_IFDIR = 0o040000
export const S_IFLNK = 0o120000
export const S_IFCHR = 0o020000
export const S_IFIFO = 0o010000
export const S_IFSOCK = 0o140000

// linux/limits.h
export const PIPE_BUF = 4096

// linux/falloc.h
export const FALLOC_FL_KEEP_SIZE = 1
export const FALLOC_FL_PUNCH_HOLE = 2

// linux/memfd.h, asm-generic/mman.h
export const MFD_CLOEXEC = 1
export const MFD_ALLOW_SEALING = 2
export const PROT_NONE = 0
export const PROT_READ = 1
export const PROT_WRITE = 2
export const MAP_SHARED = 0x01
export const MAP_PRIVATE = 0x02
export const MAP_ANONYMOUS = 0x20
export const MADV_DOFORK = 11

// spawn.h
export const POSIX_SPAWN_SETPGROUP = 0x02

// linux/wait.h, linux/prctl.h
export const WNOHANG = 1
export const PR_SET_PDEATHSIG = 1
export const PR_SET_DUMPABLE = 4
export const PR_SET_NAME = 15
export const PR_SET_CHILD_SUBREAPER = 36
export const PR_SET_NO_NEW_PRIVS = 38

// asm-generic/signal-defs.h
export const SIG_BLOCK = 0
export const SIG_UNBLOCK = 1
export const SIG_SETMASK = 2

// asm-generic/signal.h
export const SIG_DFL = 0
export const SIG_IGN = 1
export const SIGHUP = 1
export const SIGINT = 2
export const SIGQUIT = 3
export const SIGKILL = 9
export const SIGUSR1 = 10
export const SIGSEGV = 11
export const SIGUSR2 = 12
export const SIGPIPE = 13
export const SIGTERM = 15
/** Not used by the kernel or by Node. */
export const SIGSTKFLT = 16
export const SIGCHLD = 17
export const SIGTTIN = 21
export const SIGTTOU = 22
export const SIGWINCH = 28

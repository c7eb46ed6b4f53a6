/**
 * constants.ts and layout.ts against the machine's own C headers, by a small C
 * program that prints them. Without a C compiler there is nothing to compare with.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants as os, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as constants from './constants.ts'
import { layout } from './layout.ts'

const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0)
const skip = compiler === undefined ? 'no C compiler here' : false

const folder = mkdtempSync(join(tmpdir(), 'kernel-layout-'))
after(() => rmSync(folder, { recursive: true }))

const HEADERS = `
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif
`

/** The kernel's own tcp.h and libc's cannot be had together. */
const LINUX_TCP = '#include <stddef.h>\n#include <stdio.h>\n#include <linux/tcp.h>'

/** The values of C expressions, by name. `guarded` ones may be missing from older headers. */
function askC(expressions: Record<string, string>, guarded: boolean, headers = HEADERS): Map<string, number> {
  const lines = Object.entries(expressions).map(([name, expression]) => {
    const print = `printf("${name} %lld\\n", (long long)(${expression}));`
    return guarded ? `#ifdef ${name}\n${print}\n#endif` : print
  })
  const program = `${headers}\nint main(void) {\n${lines.join('\n')}\nreturn 0;\n}\n`
  const binary = join(folder, guarded ? 'constants' : 'layout')
  execFileSync(compiler!, ['-x', 'c', '-o', binary, '-'], { input: program })
  const rows = execFileSync(binary, { encoding: 'latin1' }).trim().split('\n')
  return new Map(rows.map((row) => [row.split(' ')[0]!, Number(row.split(' ')[1])]))
}

test('the numbers are those of the headers', { skip }, () => {
  const ours: Record<string, number> = { ...constants, ...os.errno }
  const theirs = askC(Object.fromEntries(Object.keys(ours).map((name) => [name, name])), true)
  const known = Object.keys(ours).filter((name) => theirs.has(name))
  for (const name of known) {
    // As 32 bits: EPOLLET is the sign bit of an int there.
    assert.equal(ours[name]! | 0, theirs.get(name)! | 0, name)
  }
  for (const name of Object.keys(ours)) {
    // Enums and what <linux/*.h> alone defines may be missing from a header; the bulk may not.
    if (/^(AF|SOCK|SOL|SO|SHUT|EPOLL|O|F|E|SIG|MAP|PROT)_?[A-Z]/.test(name)) assert.ok(theirs.has(name), name)
  }
})

test('the structs lie as the headers have them', { skip }, () => {
  const theirs = askC(
    {
      SYS_fstat: 'SYS_fstat',
      SYS_getdents64: 'SYS_getdents64',
      SYS_newfstatat: 'SYS_newfstatat',
      O_DIRECTORY: 'O_DIRECTORY',
      O_NOFOLLOW: 'O_NOFOLLOW',
      event_size: 'sizeof(struct epoll_event)',
      event_events: 'offsetof(struct epoll_event, events)',
      event_data: 'offsetof(struct epoll_event, data)',
      stat_size: 'sizeof(struct stat)',
      stat_dev: 'offsetof(struct stat, st_dev)',
      stat_ino: 'offsetof(struct stat, st_ino)',
      stat_mode: 'offsetof(struct stat, st_mode)',
      stat_uid: 'offsetof(struct stat, st_uid)',
      stat_length: 'offsetof(struct stat, st_size)',
      stat_mtime: 'offsetof(struct stat, st_mtim)',
      stat_ctime: 'offsetof(struct stat, st_ctim)',
    },
    false,
  )
  assert.deepEqual(Object.fromEntries(theirs), {
    SYS_fstat: layout.SYS_fstat,
    SYS_getdents64: layout.SYS_getdents64,
    SYS_newfstatat: layout.SYS_newfstatat,
    O_DIRECTORY: layout.O_DIRECTORY,
    O_NOFOLLOW: layout.O_NOFOLLOW,
    ...prefixed('event', layout.epollEvent),
    ...prefixed('stat', layout.stat),
  })
})

function prefixed(prefix: string, offsets: object): Record<string, number> {
  return Object.fromEntries(Object.entries(offsets).map(([name, at]) => [`${prefix}_${name}`, at]))
}

test('sizes that the code takes for granted', { skip }, () => {
  const sizes = askC(
    {
      sockaddr_in: 'sizeof(struct sockaddr_in)',
      sockaddr_in6: 'sizeof(struct sockaddr_in6)',
      sockaddr_un: 'sizeof(struct sockaddr_un)',
      tcpi_unacked: 'offsetof(struct tcp_info, tcpi_unacked)',
      tcpi_sacked: 'offsetof(struct tcp_info, tcpi_sacked)',
      itimerval: 'sizeof(long) * 4',
      msghdr: 'sizeof(struct msghdr)',
      msg_controllen: 'offsetof(struct msghdr, msg_controllen)',
      msg_flags: 'offsetof(struct msghdr, msg_flags)',
      cmsg_data: 'sizeof(struct cmsghdr)',
      passwd: 'sizeof(struct passwd)',
      pw_uid: 'offsetof(struct passwd, pw_uid)',
      pw_gid: 'offsetof(struct passwd, pw_gid)',
      pw_dir: 'offsetof(struct passwd, pw_dir)',
      dirent_reclen: 'offsetof(struct dirent64, d_reclen)',
      dirent_name: 'offsetof(struct dirent64, d_name)',
      group: 'sizeof(struct group)',
      gr_gid: 'offsetof(struct group, gr_gid)',
      spawn_actions_fit: 'sizeof(posix_spawn_file_actions_t) <= 256',
    },
    false,
  )
  assert.deepEqual(Object.fromEntries(sizes), {
    sockaddr_in: 16,
    sockaddr_in6: 28,
    sockaddr_un: 110,
    tcpi_unacked: 24,
    tcpi_sacked: 28,
    itimerval: 32,
    msghdr: 56,
    msg_controllen: 40,
    msg_flags: 48,
    cmsg_data: 16,
    passwd: 48,
    pw_uid: 16,
    pw_gid: 20,
    pw_dir: 32,
    dirent_reclen: 16,
    dirent_name: 19,
    group: 32,
    gr_gid: 16,
    spawn_actions_fit: 1,
  })
})

/** linux/tcp.h, tcp-info.ts; netinet/tcp.h ends before some of them. */
const TCP_INFO_OFFSETS = {
  tcpi_rto: 8,
  tcpi_snd_mss: 16,
  tcpi_rcv_mss: 20,
  tcpi_lost: 32,
  tcpi_retrans: 36,
  tcpi_last_data_sent: 44,
  tcpi_last_data_recv: 52,
  tcpi_rtt: 68,
  tcpi_rttvar: 72,
  tcpi_snd_cwnd: 80,
  tcpi_total_retrans: 100,
  tcpi_bytes_acked: 120,
  tcpi_bytes_received: 128,
  tcpi_notsent_bytes: 144,
  tcpi_min_rtt: 148,
  tcpi_delivery_rate: 160,
}

test('so does tcp_info', { skip }, () => {
  const fields = Object.keys(TCP_INFO_OFFSETS)
  const theirs = askC(
    Object.fromEntries(fields.map((name) => [name, `offsetof(struct tcp_info, ${name})`])),
    false,
    LINUX_TCP,
  )
  assert.deepEqual(Object.fromEntries(theirs), TCP_INFO_OFFSETS)
})

test('so do the questions and answers of sock_diag', { skip }, () => {
  const theirs = askC(
    {
      TCP_ESTABLISHED: 'TCP_ESTABLISHED',
      TCP_SYN_RECV: 'TCP_SYN_RECV',
      TCP_LISTEN: 'TCP_LISTEN',
      UNIX_DIAG_RQLEN: 'UNIX_DIAG_RQLEN',
      nlmsghdr: 'sizeof(struct nlmsghdr)',
      nlmsg_type: 'offsetof(struct nlmsghdr, nlmsg_type)',
      nlmsg_flags: 'offsetof(struct nlmsghdr, nlmsg_flags)',
      nlmsgerr_error: 'offsetof(struct nlmsgerr, error)',
      rtattr: 'sizeof(struct rtattr)',
      rta_type: 'offsetof(struct rtattr, rta_type)',
      inet_diag_req_v2: 'sizeof(struct inet_diag_req_v2)',
      idiag_states: 'offsetof(struct inet_diag_req_v2, idiag_states)',
      req_id: 'offsetof(struct inet_diag_req_v2, id)',
      inet_diag_id: 'offsetof(struct inet_diag_msg, id)',
      idiag_ext: 'offsetof(struct inet_diag_req_v2, idiag_ext)',
      idiag_rqueue: 'offsetof(struct inet_diag_msg, idiag_rqueue)',
      idiag_wqueue: 'offsetof(struct inet_diag_msg, idiag_wqueue)',
      idiag_inode: 'offsetof(struct inet_diag_msg, idiag_inode)',
      idiag_dst: 'offsetof(struct inet_diag_sockid, idiag_dst)',
      inet_diag_msg: 'sizeof(struct inet_diag_msg)',
      INET_DIAG_INFO: 'INET_DIAG_INFO',
      idiag_src: 'offsetof(struct inet_diag_sockid, idiag_src)',
      unix_diag_req: 'sizeof(struct unix_diag_req)',
      udiag_states: 'offsetof(struct unix_diag_req, udiag_states)',
      udiag_ino: 'offsetof(struct unix_diag_req, udiag_ino)',
      udiag_show: 'offsetof(struct unix_diag_req, udiag_show)',
      udiag_cookie: 'offsetof(struct unix_diag_req, udiag_cookie)',
      unix_diag_msg: 'sizeof(struct unix_diag_msg)',
      udiag_wqueue: 'offsetof(struct unix_diag_rqlen, udiag_wqueue)',
    },
    false,
  )
  assert.deepEqual(Object.fromEntries(theirs), {
    TCP_ESTABLISHED: constants.TCP_ESTABLISHED,
    TCP_SYN_RECV: constants.TCP_SYN_RECV,
    TCP_LISTEN: constants.TCP_LISTEN,
    UNIX_DIAG_RQLEN: constants.UNIX_DIAG_RQLEN,
    nlmsghdr: 16,
    nlmsg_type: 4,
    nlmsg_flags: 6,
    nlmsgerr_error: 0,
    rtattr: 4,
    rta_type: 2,
    inet_diag_req_v2: 56,
    idiag_states: 4,
    req_id: 8,
    inet_diag_id: 4,
    idiag_ext: 2,
    idiag_rqueue: 56,
    idiag_wqueue: 60,
    idiag_inode: 68,
    idiag_dst: 20,
    inet_diag_msg: 72,
    INET_DIAG_INFO: constants.INET_DIAG_INFO,
    idiag_src: 4,
    unix_diag_req: 24,
    udiag_states: 4,
    udiag_ino: 8,
    udiag_show: 12,
    udiag_cookie: 16,
    unix_diag_msg: 16,
    udiag_wqueue: 4,
  })
})

test('so do the frames of a packet socket, and its filter', { skip }, () => {
  const theirs = askC(
    {
      TPACKET_V2: 'TPACKET_V2',
      TPACKET_ALIGNMENT: 'TPACKET_ALIGNMENT',
      TPACKET2_HDRLEN: 'TPACKET2_HDRLEN',
      tp_status: 'offsetof(struct tpacket2_hdr, tp_status)',
      tp_snaplen: 'offsetof(struct tpacket2_hdr, tp_snaplen)',
      tp_net: 'offsetof(struct tpacket2_hdr, tp_net)',
      tp_sec: 'offsetof(struct tpacket2_hdr, tp_sec)',
      tp_nsec: 'offsetof(struct tpacket2_hdr, tp_nsec)',
      tpacket2_hdr: 'sizeof(struct tpacket2_hdr)',
      tpacket_req: 'sizeof(struct tpacket_req)',
      tp_block_nr: 'offsetof(struct tpacket_req, tp_block_nr)',
      tp_frame_size: 'offsetof(struct tpacket_req, tp_frame_size)',
      tp_frame_nr: 'offsetof(struct tpacket_req, tp_frame_nr)',
      tpacket_stats: 'sizeof(struct tpacket_stats)',
      tp_drops: 'offsetof(struct tpacket_stats, tp_drops)',
      sockaddr_ll: 'sizeof(struct sockaddr_ll)',
      sll_protocol: 'offsetof(struct sockaddr_ll, sll_protocol)',
      sll_ifindex: 'offsetof(struct sockaddr_ll, sll_ifindex)',
      sll_hatype: 'offsetof(struct sockaddr_ll, sll_hatype)',
      sll_pkttype: 'offsetof(struct sockaddr_ll, sll_pkttype)',
      sock_filter: 'sizeof(struct sock_filter)',
      sock_filter_jt: 'offsetof(struct sock_filter, jt)',
      sock_filter_k: 'offsetof(struct sock_filter, k)',
      sock_fprog: 'sizeof(struct sock_fprog)',
      sock_fprog_filter: 'offsetof(struct sock_fprog, filter)',
      timespec: 'sizeof(struct timespec)',
    },
    false,
  )
  assert.deepEqual(Object.fromEntries(theirs), {
    TPACKET_V2: constants.TPACKET_V2,
    TPACKET_ALIGNMENT: 16,
    TPACKET2_HDRLEN: 52,
    tp_status: 0,
    tp_snaplen: 8,
    tp_net: 14,
    tp_sec: 16,
    tp_nsec: 20,
    tpacket2_hdr: 32,
    tpacket_req: 16,
    tp_block_nr: 4,
    tp_frame_size: 8,
    tp_frame_nr: 12,
    tpacket_stats: 8,
    tp_drops: 4,
    sockaddr_ll: 20,
    sll_protocol: 2,
    sll_ifindex: 4,
    sll_hatype: 8,
    sll_pkttype: 10,
    sock_filter: 8,
    sock_filter_jt: 2,
    sock_filter_k: 4,
    sock_fprog: 16,
    sock_fprog_filter: 8,
    timespec: 16,
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as constants from '../kernel/constants.ts'
import { fcntlOperation, nameOf, namesOf, openFlags, socketOption, socketType } from './names.ts'

test('a number has the name that its header gives it, among those of its kind', () => {
  assert.equal(nameOf('AF_', constants.AF_INET), 'AF_INET')
  assert.equal(nameOf('SHUT_', 1), 'SHUT_WR')
  assert.equal(nameOf('EPOLL_CTL_', 1), 'EPOLL_CTL_ADD')
  assert.equal(nameOf('AF_', 99), '99')
})

test('bits have their names, lowest first, and what has none is told as it is', () => {
  assert.equal(namesOf('MSG_', constants.MSG_NOSIGNAL | constants.MSG_DONTWAIT), 'MSG_DONTWAIT|MSG_NOSIGNAL')
  assert.equal(namesOf('EPOLL', constants.EPOLLIN | constants.EPOLLET), 'EPOLLIN|EPOLLET')
  assert.equal(namesOf('EPOLL', 0x1 | 0x2), 'EPOLLIN|0x2')
  assert.equal(namesOf('MSG_', 0), '0')
})

test('a type of socket is a kind and flags', () => {
  const flags = constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC
  assert.equal(socketType(constants.SOCK_STREAM | flags), 'SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC')
  assert.equal(socketType(constants.SOCK_SEQPACKET), 'SOCK_SEQPACKET')
})

test('how a file is opened is a number and flags', () => {
  assert.equal(openFlags(constants.O_CLOEXEC), 'O_RDONLY|O_CLOEXEC')
  assert.equal(openFlags(constants.O_WRONLY | constants.O_APPEND), 'O_WRONLY|O_APPEND')
})

test('what fcntl is asked for is no seal, though those are called so, too', () => {
  assert.equal(fcntlOperation(constants.F_GETFD), 'F_GETFD')
  assert.equal(fcntlOperation(constants.F_SETFD), 'F_SETFD')
  assert.equal(fcntlOperation(constants.F_SETFL), 'F_SETFL')
  assert.equal(fcntlOperation(constants.F_ADD_SEALS), 'F_ADD_SEALS')
  assert.equal(fcntlOperation(99), '99')
})

test('an option has the name of its level’s options: no state of a TCP socket is one', () => {
  assert.equal(socketOption(constants.SOL_SOCKET, constants.SO_REUSEADDR), 'SOL_SOCKET, SO_REUSEADDR')
  assert.equal(socketOption(constants.IPPROTO_TCP, constants.TCP_NODELAY), 'IPPROTO_TCP, TCP_NODELAY')
  assert.equal(socketOption(constants.IPPROTO_IPV6, constants.IPV6_V6ONLY), 'IPPROTO_IPV6, IPV6_V6ONLY')
  assert.equal(socketOption(77, 5), '77, 5')
})

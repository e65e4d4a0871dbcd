/**
 * The calls of Linux that the native engine makes, and nothing else.
 *
 * Each answers with a number that is not negative, or with the negated errno(3). Memory is named by its place in
 * `memory`, which the implementation keeps at one address for as long as it lives: nothing that the kernel is told of
 * can be moved or collected. A place outside of it throws before any call is made.
 *
 * Every descriptor is non-blocking and closed on execve(2).
 */
export interface Sys {
  readonly memory: Uint8Array;
  socket(family: number, type: number): number;
  bind(fd: number, at: number, length: number): number;
  listen(fd: number, backlog: number): number;
  /** `lengthAt`: an int, the room for the address before the call, its length after it. */
  accept4(fd: number, at: number, lengthAt: number): number;
  connect(fd: number, at: number, length: number): number;
  getsockname(fd: number, at: number, lengthAt: number): number;
  setsockopt(fd: number, level: number, name: number, at: number, length: number): number;
  getsockopt(fd: number, level: number, name: number, at: number, lengthAt: number): number;
  recv(fd: number, at: number, length: number): number;
  /** Without a SIGPIPE. */
  send(fd: number, at: number, length: number): number;
  /** As `send`; it waits, 200 ms at most, for what is sent next or for the FIN, to go together (send(2), MSG_MORE). */
  sendMore(fd: number, at: number, length: number): number;
  /** `nameAt`, `lengthAt`: whom it came from, as with `accept4`. */
  recvfrom(fd: number, at: number, length: number, nameAt: number, lengthAt: number): number;
  sendto(fd: number, at: number, length: number, nameAt: number, nameLength: number): number;
  /** `count` headers at `at`, laid out as `Batch` has them. Answers with how many datagrams came; never waits. */
  recvmmsg(fd: number, at: number, count: number): number;
  /** Answers with how many went: fewer than `count`, where the next one could not. */
  sendmmsg(fd: number, at: number, count: number): number;
  /** Where a place is, for structures in `memory` that name others: they may name nothing else. */
  addressOf(at: number, length: number): bigint;
  /** Moves bytes without copying them. One of the two is a pipe. */
  splice(from: number, to: number, length: number): number;
  /** Two ints at `at`: the end to read from, the end to write to. */
  pipe2(at: number): number;
  /** fcntl(2) F_SETPIPE_SZ. Answers with the size that the pipe has. */
  setPipeSize(fd: number, bytes: number): number;
  /** No more is sent: a FIN. */
  shutdown(fd: number): number;
  close(fd: number): number;
  epollCreate(): number;
  epollCtl(epoll: number, operation: number, fd: number, at: number): number;
  /** `timeout` in milliseconds; -1: none. */
  epollWait(epoll: number, at: number, count: number, timeout: number): number;
  eventfd(): number;
  /** Descriptors have numbers below this (sysconf(3), _SC_OPEN_MAX). */
  openMax(): number;
  read(fd: number, at: number, length: number): number;
}

// The numbers below are those of x86-64 and arm64, which have them in common (include/uapi/asm-generic).

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;

/** A datagram was longer than the room for it (include/linux/socket.h). */
export const MSG_TRUNC = 0x20;

export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x1;
/** Urgent data: a read ends where it begins, though there is more. */
export const EPOLLPRI = 0x2;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
/** Bit 31: written as a number that is not negative. */
export const EPOLLET = 0x8000_0000;

export const EPERM = 1;
export const EINTR = 4;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const EPIPE = 32;
export const ENOSYS = 38;
export const EPROTO = 71;
export const ECONNABORTED = 103;
export const ECONNRESET = 104;
export const ENOBUFS = 105;
export const ETIMEDOUT = 110;
export const EINPROGRESS = 115;
export const ECANCELED = 125;

/** The process or the machine has run out of descriptors, or of memory for sockets. */
export function isScarce(errno: number): boolean {
  return errno === EMFILE || errno === ENFILE || errno === ENOBUFS || errno === ENOMEM;
}

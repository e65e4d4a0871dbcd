import type { Prng } from '@hurricane/core/testing';
import { CONTROL_AT, PIPE_AT } from './arena.js';
import * as errno from './sys.js';
import { EPOLL_CTL_DEL, EPOLL_CTL_MOD, SO_LINGER, SOCK_DGRAM, SOL_SOCKET, type Sys } from './sys.js';

export interface Injection {
  readonly prng: Prng;
  /** Of all calls, how many fail without having been made (or, where POSIX has it so, after). */
  readonly rate: number;
}

type Name = Exclude<keyof Sys, 'memory' | 'openMax' | 'addressOf'>;

const EIO = 5;
const EBUSY = 16;
const EMSGSIZE = 90;
const ENOSPC = 28;
const EADDRINUSE = 98;
const EADDRNOTAVAIL = 99;
const ENETUNREACH = 101;
const ENOTCONN = 107;
const ECONNREFUSED = 111;
const EHOSTUNREACH = 113;
const { EPERM, EAGAIN, EINTR, ENOMEM, EINVAL, ENFILE, EMFILE, EPIPE, EPROTO, ECONNABORTED, ECONNRESET, ENOBUFS } =
  errno;

/** What each call may answer, by its manual page. */
const FAULTS: Readonly<Record<Name, readonly number[]>> = {
  socket: [EMFILE, ENFILE, ENOBUFS, ENOMEM],
  bind: [EADDRINUSE, EADDRNOTAVAIL, ENOMEM],
  listen: [EADDRINUSE],
  accept4: [EAGAIN, EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM],
  connect: [EINTR, EAGAIN, ENETUNREACH, ENOMEM],
  getsockname: [ENOBUFS],
  setsockopt: [EINVAL, ENOMEM],
  getsockopt: [ENOBUFS],
  recv: [EAGAIN, EINTR, ECONNRESET, ENOMEM],
  send: [EAGAIN, EINTR, ECONNRESET, EPIPE, ENOBUFS, ENOMEM],
  sendMore: [EAGAIN, EINTR, ECONNRESET, EPIPE, ENOBUFS, ENOMEM],
  recvfrom: [EAGAIN, EINTR, ECONNREFUSED, ENOMEM],
  sendto: [EAGAIN, EINTR, ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, EPERM, ENOBUFS, ENOMEM],
  recvmmsg: [EAGAIN, EINTR, ECONNREFUSED, ENOMEM],
  sendmmsg: [EAGAIN, EINTR, ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, EPERM, ENOBUFS, ENOMEM],
  splice: [EAGAIN, EINTR, ECONNRESET, EPIPE, EINVAL, EPERM, ENOMEM],
  pipe2: [EMFILE, ENFILE],
  setPipeSize: [EPERM, EBUSY, ENOMEM],
  shutdown: [ENOTCONN],
  close: [EINTR, EIO],
  epollCreate: [EMFILE],
  epollCtl: [ENOMEM, ENOSPC],
  epollWait: [EINTR],
  eventfd: [EMFILE],
  read: [EAGAIN, EINTR],
};

/** Calls that have been made all the same: connect(2) goes on after EINTR, close(2) has closed whatever it answers. */
const MADE_ANYWAY: Readonly<Partial<Record<Name, readonly number[]>>> = { connect: [EINTR], close: [EINTR, EIO] };

/** Watches every call for what is open, and makes some of them fail, as the seed says. */
export class TrackingSys {
  readonly sys: Sys;
  /** Descriptors by number, with the call that made them. */
  readonly open = new Map<number, Name>();
  readonly wrongs: string[] = [];
  /** How often each fault was told: `recv 11`. */
  readonly told = new Map<string, number>();
  #inject: Injection | null = null;
  /** Sockets for datagrams, of which the kernel takes no part. */
  readonly #whole = new Set<number>();
  readonly #interests = new Map<number, { readonly epoll: number; readonly bytes: Uint8Array }>();

  constructor(sys: Sys) {
    this.sys = this.#over(sys);
  }

  disturb(inject: Injection): void {
    this.#inject = inject;
  }

  /** From here on every call is made as it is. */
  calm(): void {
    this.#inject = null;
  }

  #over(sys: Sys): Sys {
    const view = new DataView(sys.memory.buffer, sys.memory.byteOffset, sys.memory.length);
    const opened = (fd: number, name: Name): number => {
      if (fd < 0) return fd;
      if (this.open.has(fd)) this.wrongs.push(`${fd} was opened twice`);
      this.open.set(fd, name);
      return fd;
    };
    const on = (name: Name, fds: readonly number[], call: () => number, isExempt = false): number => {
      for (const fd of fds) if (!this.open.has(fd)) this.wrongs.push(`${name} on ${fd}, which is not open`);
      const fault = isExempt ? null : this.#draw(name);
      if (fault === null) return call();
      if (MADE_ANYWAY[name]?.includes(fault) === true) call();
      // The kernel tells once that something is ready: whoever is lied to must be told again.
      if (fault === EAGAIN) for (const fd of fds) this.#tellAgain(sys, fd);
      return -fault;
    };
    return {
      memory: sys.memory,
      openMax: () => sys.openMax(),
      socket: (a, b) => {
        const fd = opened(
          on('socket', [], () => sys.socket(a, b)),
          'socket',
        );
        if (b === SOCK_DGRAM) this.#whole.add(fd);
        return fd;
      },
      bind: (fd, a, b) => on('bind', [fd], () => sys.bind(fd, a, b)),
      listen: (fd, a) => on('listen', [fd], () => sys.listen(fd, a)),
      accept4: (fd, a, b) =>
        opened(
          on('accept4', [fd], () => sys.accept4(fd, a, b)),
          'accept4',
        ),
      connect: (fd, a, b) => on('connect', [fd], () => sys.connect(fd, a, b)),
      getsockname: (fd, a, b) => on('getsockname', [fd], () => sys.getsockname(fd, a, b)),
      // No connection has ever been refused its SO_LINGER; without it a reset cannot be sent at all.
      setsockopt: (fd, a, b, c, d) =>
        on('setsockopt', [fd], () => sys.setsockopt(fd, a, b, c, d), a === SOL_SOCKET && b === SO_LINGER),
      getsockopt: (fd, a, b, c, d) => on('getsockopt', [fd], () => sys.getsockopt(fd, a, b, c, d)),
      recv: (fd, a, b) => on('recv', [fd], () => sys.recv(fd, a, b)),
      send: (fd, a, b) => on('send', [fd], () => sys.send(fd, a, this.#whole.has(fd) ? b : this.#shorter(b))),
      sendMore: (fd, a, b) => on('sendMore', [fd], () => sys.sendMore(fd, a, this.#shorter(b))),
      recvfrom: (fd, a, b, c, d) => on('recvfrom', [fd], () => sys.recvfrom(fd, a, b, c, d)),
      sendto: (fd, a, b, c, d) => on('sendto', [fd], () => sys.sendto(fd, a, b, c, d)),
      recvmmsg: (fd, a, b) => on('recvmmsg', [fd], () => sys.recvmmsg(fd, a, b)),
      sendmmsg: (fd, a, b) => on('sendmmsg', [fd], () => sys.sendmmsg(fd, a, this.#shorter(b))),
      addressOf: (a, b) => sys.addressOf(a, b),
      splice: (from, to, a) => on('splice', [from, to], () => sys.splice(from, to, a)),
      pipe2: (a) => {
        const made = on('pipe2', [], () => sys.pipe2(a));
        if (made >= 0) for (const at of [PIPE_AT, PIPE_AT + 4]) opened(view.getInt32(at, true), 'pipe2');
        return made;
      },
      setPipeSize: (fd, a) => on('setPipeSize', [fd], () => sys.setPipeSize(fd, a)),
      shutdown: (fd) => on('shutdown', [fd], () => sys.shutdown(fd)),
      close: (fd) => {
        const answer = on('close', [fd], () => sys.close(fd));
        this.open.delete(fd);
        this.#interests.delete(fd);
        this.#whole.delete(fd);
        return answer;
      },
      epollCreate: () =>
        opened(
          on('epollCreate', [], () => sys.epollCreate(), true),
          'epollCreate',
        ),
      epollCtl: (epoll, operation, fd, at) => {
        const done = on('epollCtl', [epoll, fd], () => sys.epollCtl(epoll, operation, fd, at));
        if (done >= 0 && operation !== EPOLL_CTL_DEL)
          this.#interests.set(fd, { epoll, bytes: sys.memory.slice(at, at + 16) });
        return done;
      },
      epollWait: (epoll, a, b, c) => on('epollWait', [epoll], () => sys.epollWait(epoll, a, b, c)),
      eventfd: () =>
        opened(
          on('eventfd', [], () => sys.eventfd(), true),
          'eventfd',
        ),
      read: (fd, a, b) => on('read', [fd], () => sys.read(fd, a, b)),
    };
  }

  #draw(name: Name): number | null {
    if (this.#inject === null) return null;
    const { prng, rate } = this.#inject;
    if (!prng.chance(rate)) return null;
    const fault = prng.pick(FAULTS[name]);
    const key = `${name} ${fault}`;
    this.told.set(key, (this.told.get(key) ?? 0) + 1);
    return fault;
  }

  /** A kernel with little room takes a part. */
  #shorter(length: number): number {
    if (this.#inject === null || length < 2 || !this.#inject.prng.chance(this.#inject.rate)) return length;
    return this.#inject.prng.between(1, length - 1);
  }

  #tellAgain(sys: Sys, fd: number): void {
    const interest = this.#interests.get(fd);
    if (interest === undefined) return;
    sys.memory.set(interest.bytes, CONTROL_AT);
    sys.epollCtl(interest.epoll, EPOLL_CTL_MOD, fd, CONTROL_AT);
  }
}

import koffi from 'koffi';
import { ADDRESS_BYTES, ARENA_BYTES, SOCKET_ADDRESS_BYTES } from './arena.js';
import { HEADER_BYTES } from './batch.js';
import { SOCK_CLOEXEC, SOCK_NONBLOCK, type Sys } from './sys.js';

// bits/socket.h, fcntl.h, sys/epoll.h: of x86-64 and arm64 alike.
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const F_SETPIPE_SZ = 1031;
const SHUT_WR = 1;
const SC_OPEN_MAX = 4;
const FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC;

/** A call of libc's whose arguments are all numbers, addresses included: those are below 2^47, which a number holds. */
type Call = (...args: readonly number[]) => number;

/** The calls over libc, which the process has loaded anyway. Throws where koffi has none of them. */
export function koffiSys(): Sys {
  const libc = koffi.load(null);
  const call = (declaration: string): Call => {
    const made = libc.func(declaration) as unknown as Call;
    // errno is the thread's own, and nothing runs on this thread between the call and the look.
    return (...args) => {
      const answer = made(...args);
      return answer < 0 ? -koffi.errno() : answer;
    };
  };
  // 64 KiB and more: outside of the JavaScript heap, where nothing is moved.
  const memory = new Uint8Array(new ArrayBuffer(ARENA_BYTES));
  const base = Number(koffi.address(memory));
  const place = (at: number, length: number): number => {
    if (at < 0 || length < 0 || at + length > memory.length)
      throw new RangeError(`${at}+${length} is not in the arena`);
    return base + at;
  };
  return { memory, ...socketCalls(call, place), ...byteCalls(call, place), ...eventCalls(call, place) };
}

type Place = (at: number, length: number) => number;
type Declared = (declaration: string) => Call;

function socketCalls(call: Declared, place: Place): Omit<Sys, 'memory' | keyof ByteCalls | keyof EventCalls> {
  const socket = call('int socket(int, int, int)');
  const bind = call('int bind(int, uintptr_t, uint32_t)');
  const listen = call('int listen(int, int)');
  const accept4 = call('int accept4(int, uintptr_t, uintptr_t, int)');
  const connect = call('int connect(int, uintptr_t, uint32_t)');
  const getsockname = call('int getsockname(int, uintptr_t, uintptr_t)');
  const setsockopt = call('int setsockopt(int, int, int, uintptr_t, uint32_t)');
  const getsockopt = call('int getsockopt(int, int, int, uintptr_t, uintptr_t)');
  const shutdown = call('int shutdown(int, int)');
  return {
    socket: (family, type) => socket(family, type | FLAGS, 0),
    bind: (fd, at, length) => bind(fd, place(at, length), length),
    listen: (fd, backlog) => listen(fd, backlog),
    accept4: (fd, at, lengthAt) => accept4(fd, place(at, ADDRESS_BYTES), place(lengthAt, 4), FLAGS),
    connect: (fd, at, length) => connect(fd, place(at, length), length),
    getsockname: (fd, at, lengthAt) => getsockname(fd, place(at, ADDRESS_BYTES), place(lengthAt, 4)),
    setsockopt: (fd, level, name, at, length) => setsockopt(fd, level, name, place(at, length), length),
    getsockopt: (fd, level, name, at, lengthAt) => getsockopt(fd, level, name, place(at, 4), place(lengthAt, 4)),
    shutdown: (fd) => shutdown(fd, SHUT_WR),
  };
}

type ByteCalls = Pick<
  Sys,
  'recv' | 'send' | 'sendMore' | DatagramCall | 'splice' | 'pipe2' | 'setPipeSize' | 'close' | 'read'
>;
type DatagramCall = 'recvfrom' | 'sendto' | 'recvmmsg' | 'sendmmsg' | 'addressOf';

function byteCalls(call: Declared, place: Place): ByteCalls {
  const recv = call('int64_t recv(int, uintptr_t, size_t, int)');
  const send = call('int64_t send(int, uintptr_t, size_t, int)');
  const recvfrom = call('int64_t recvfrom(int, uintptr_t, size_t, int, uintptr_t, uintptr_t)');
  const sendto = call('int64_t sendto(int, uintptr_t, size_t, int, uintptr_t, uint32_t)');
  const recvmmsg = call('int recvmmsg(int, uintptr_t, uint32_t, int, uintptr_t)');
  const sendmmsg = call('int sendmmsg(int, uintptr_t, uint32_t, int)');
  const splice = call('int64_t splice(int, uintptr_t, int, uintptr_t, size_t, uint32_t)');
  const pipe2 = call('int pipe2(uintptr_t, int)');
  const fcntl = call('int fcntl(int, int, int64_t)');
  const close = call('int close(int)');
  const read = call('int64_t read(int, uintptr_t, size_t)');
  return {
    recv: (fd, at, length) => recv(fd, place(at, length), length, 0),
    send: (fd, at, length) => send(fd, place(at, length), length, MSG_NOSIGNAL),
    sendMore: (fd, at, length) => send(fd, place(at, length), length, MSG_NOSIGNAL + MSG_MORE),
    recvfrom: (fd, at, length, nameAt, lengthAt) =>
      recvfrom(fd, place(at, length), length, 0, place(nameAt, SOCKET_ADDRESS_BYTES), place(lengthAt, 4)),
    sendto: (fd, at, length, nameAt, nameLength) =>
      sendto(fd, place(at, length), length, MSG_NOSIGNAL, place(nameAt, nameLength), nameLength),
    recvmmsg: (fd, at, count) => recvmmsg(fd, place(at, count * HEADER_BYTES), count, 0, 0),
    sendmmsg: (fd, at, count) => sendmmsg(fd, place(at, count * HEADER_BYTES), count, MSG_NOSIGNAL),
    addressOf: (at, length) => BigInt(place(at, length)),
    splice: (from, to, length) => splice(from, 0, to, 0, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK),
    pipe2: (at) => pipe2(place(at, 8), FLAGS),
    setPipeSize: (fd, bytes) => fcntl(fd, F_SETPIPE_SZ, bytes),
    close: (fd) => close(fd),
    read: (fd, at, length) => read(fd, place(at, length), length),
  };
}

type EventCalls = Pick<Sys, 'epollCreate' | 'epollCtl' | 'epollWait' | 'eventfd' | 'openMax'>;

function eventCalls(call: Declared, place: Place): EventCalls {
  const create = call('int epoll_create1(int)');
  const control = call('int epoll_ctl(int, int, int, uintptr_t)');
  const wait = call('int epoll_wait(int, uintptr_t, int, int)');
  const eventfd = call('int eventfd(uint32_t, int)');
  const sysconf = call('int64_t sysconf(int)');
  return {
    epollCreate: () => create(SOCK_CLOEXEC),
    epollCtl: (epoll, operation, fd, at) => control(epoll, operation, fd, place(at, 16)),
    epollWait: (epoll, at, count, timeout) => wait(epoll, place(at, count * 16), count, timeout),
    eventfd: () => eventfd(0, FLAGS),
    openMax: () => sysconf(SC_OPEN_MAX),
  };
}

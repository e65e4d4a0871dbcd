import { LONGEST_LITERAL_HEADER, literalHeader, writeHeader } from './letter-header.js';
import { DATAGRAMS_AT_ONCE } from './native-limits.js';
import { EAGAIN, EINTR, MSG_TRUNC, type Sys } from './sys.js';

// What recvmmsg(2) and sendmmsg(2) are told, in places of the arena. The C library declares `struct mmsghdr`
// (bits/types/struct_iovec.h, bits/socket.h, sys/socket.h) with the same layout for every 64-bit machine whose bytes
// are in little-endian order, x86-64 and arm64 among them: the kernel's own is made of pointers, `size_t` and `int`
// (include/linux/socket.h, `struct user_msghdr`), each aligned to its size.

/** `struct mmsghdr`: a `msghdr` of 56 B, the length, and 4 B to align the next. */
export const HEADER_BYTES = 64;
const NAME_AT = 0;
const NAME_LENGTH_AT = 8;
const VECTORS_AT = 16;
const VECTOR_COUNT_AT = 24;
const FLAGS_AT = 48;
const LENGTH_AT = 56;

/** `struct iovec`: an address and a `size_t`. */
const VECTOR_BYTES = 16;
const VECTOR_LENGTH_AT = 8;

/** Room for a `sockaddr_in6` (28 B). */
const NAME_BYTES = 32;
const NAME_ROOM = 28;

/** UDP has 16 bits for the length of a datagram, its header included (RFC 768): none is ever cut. */
export const LONGEST_DATAGRAM = 65_535;

/** Beyond the longest, an odd number of cache lines: at a power of two the beginnings of all would share one place. */
const SLOT_BYTES = 65_856;

/** In front of what is received, for the header that `head` writes; a multiple of 16, to copy to. */
const HEADROOM = Math.ceil(LONGEST_LITERAL_HEADER / 16) * 16;

const PER_SLOT = 2 * HEADER_BYTES + 2 * VECTOR_BYTES + NAME_BYTES + SLOT_BYTES;

/** Bytes of the arena for one batch. Only pages that a datagram has been in are really there. */
export const BATCH_BYTES: number = DATAGRAMS_AT_ONCE * PER_SLOT;

/**
 * Datagrams on their way through, each in a slot of its own, which is received into and sent from.
 *
 * The one place that writes what the kernel takes for addresses and lengths.
 */
export class Batch {
  readonly #sys: Sys;
  readonly #memory: Uint8Array;
  /** The same memory, for what only a Buffer can do fast. */
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** Headers to receive by, headers to send by, their vectors, names, slots. */
  readonly #received: number;
  readonly #sent: number;
  readonly #receivedVectors: number;
  readonly #sentVectors: number;
  readonly #names: number;
  readonly #slots: number;
  readonly #named: 'received' | 'sent' | 'both';
  readonly #headroom: number;
  /** Where what is sent begins, counted from where what was received does. */
  readonly #frames = new Int32Array(DATAGRAMS_AT_ONCE);
  /** Where the kernel has the beginning of the memory: below 2^47, which a number holds. */
  readonly #base: number;
  /** Headers in which the kernel has put the length of an address in place of the room for it. */
  #namesReceived = 0;

  /**
   * `named`: whether the addresses of peers are what is received with datagrams, or what they are sent with. `both`:
   * one after the other in the same place, and each datagram has room for a header in front of it.
   */
  constructor(sys: Sys, at: number, named: 'received' | 'sent' | 'both') {
    const { memory } = sys;
    this.#sys = sys;
    this.#base = Number(sys.addressOf(0, memory.length));
    this.#memory = memory;
    this.#bytes = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.length);
    this.#received = at;
    this.#sent = this.#received + DATAGRAMS_AT_ONCE * HEADER_BYTES;
    this.#receivedVectors = this.#sent + DATAGRAMS_AT_ONCE * HEADER_BYTES;
    this.#sentVectors = this.#receivedVectors + DATAGRAMS_AT_ONCE * VECTOR_BYTES;
    this.#names = this.#sentVectors + DATAGRAMS_AT_ONCE * VECTOR_BYTES;
    this.#slots = this.#names + DATAGRAMS_AT_ONCE * NAME_BYTES;
    this.#named = named;
    this.#headroom = named === 'both' ? HEADROOM : 0;
    for (let i = 0; i < DATAGRAMS_AT_ONCE; i += 1) {
      this.#layOut(i, this.#received, this.#receivedVectors, named !== 'sent');
      this.#layOut(i, this.#sent, this.#sentVectors, named !== 'received');
    }
  }

  /** Into the slots from `from` on. Answers as recvmmsg(2): how many came, at least one, or a negated errno. */
  receive(fd: number, from: number): number {
    for (; this.#namesReceived > 0; this.#namesReceived -= 1)
      this.#view.setUint32(this.#received + (this.#namesReceived - 1) * HEADER_BYTES + NAME_LENGTH_AT, NAME_ROOM, true);
    const got = this.#sys.recvmmsg(fd, this.#received + from * HEADER_BYTES, DATAGRAMS_AT_ONCE - from);
    for (let i = from; i < from + got; i += 1)
      this.#setLength(i, this.#view.getUint32(this.#received + i * HEADER_BYTES + LENGTH_AT, true));
    if (this.#named !== 'sent' && got > 0) this.#namesReceived = from + got;
    return got;
  }

  /** Into that slot, one datagram. Answers as `receive`; costs less where only one is there. */
  receiveOne(fd: number, i: number): number {
    const got = this.#named === 'sent' ? this.#sys.recv(fd, this.#slotAt(i), LONGEST_DATAGRAM) : this.#recvFrom(fd, i);
    if (got < 0) return got;
    this.#setLength(i, got);
    return 1;
  }

  /** It has been cut to the room there was, and must not go on. */
  isCut(i: number): boolean {
    return (this.#view.getUint32(this.#received + i * HEADER_BYTES + FLAGS_AT, true) & MSG_TRUNC) !== 0;
  }

  lengthOf(i: number): number {
    return this.#view.getUint32(this.#sentVectors + i * VECTOR_BYTES + VECTOR_LENGTH_AT, true);
  }

  /** A copy, which outlives what is received next. */
  bytesOf(i: number): Uint8Array {
    const at = this.#slotAt(i);
    return this.#memory.slice(at, at + this.lengthOf(i));
  }

  /** Whom it came from, as a key: one character for each byte behind the family. Read before the next is received. */
  peerOf(i: number): string {
    const at = this.#names + i * NAME_BYTES;
    return this.#bytes.toString('latin1', at + 2, at + this.#nameLength(i));
  }

  /** A copy of that address as the kernel has it. */
  nameOf(i: number): Uint8Array {
    const at = this.#names + i * NAME_BYTES;
    return this.#memory.slice(at, at + this.#nameLength(i));
  }

  /** Whom it goes to. */
  address(i: number, name: Uint8Array): void {
    if (name.length > NAME_ROOM) throw new RangeError(`an address of ${name.length} B`);
    this.#bytes.set(name, this.#names + i * NAME_BYTES);
    this.#view.setUint32(this.#sent + i * HEADER_BYTES + NAME_LENGTH_AT, name.length, true);
  }

  /** Whether it came from that address. Read before `address`. */
  isFrom(i: number, name: Uint8Array): boolean {
    if (this.#nameLength(i) !== name.length) return false;
    const at = this.#names + i * NAME_BYTES;
    for (let k = 2; k < name.length; k += 1) if (this.#memory[at + k] !== name[k]) return false;
    return true;
  }

  beginsWith(i: number, bytes: Uint8Array): boolean {
    if (this.lengthOf(i) < bytes.length) return false;
    const at = this.#slotAt(i);
    for (let k = 0; k < bytes.length; k += 1) if (this.#memory[at + k] !== bytes[k]) return false;
    return true;
  }

  /** The first bytes of it as a key: one character for each. */
  textOf(i: number, length: number): string {
    const at = this.#slotAt(i);
    return this.#bytes.toString('latin1', at, at + length);
  }

  /** As `literalHeader` has it. */
  headerOf(i: number): number {
    return literalHeader(this.#memory, this.#slotAt(i), this.lengthOf(i));
  }

  /** Only for those with headroom: what is sent begins so many bytes behind where what was received does. */
  frame(i: number, from: number): void {
    const length = this.lengthOf(i) - from;
    if (from < -this.#headroom || length < 0) throw new RangeError(`a frame from ${from} on of ${length} B`);
    this.#setLength(i, length);
    this.#frames[i] = from;
    const at = this.#base + this.#slotAt(i) + from;
    const vector = this.#sentVectors + i * VECTOR_BYTES;
    this.#view.setUint32(vector, at >>> 0, true);
    this.#view.setUint32(vector + 4, at / 2 ** 32, true);
  }

  /** Puts the header in front that says whom it came from. Read before `address`. */
  head(i: number): void {
    this.frame(i, -writeHeader(this.#memory, this.#names + i * NAME_BYTES, this.#slotAt(i)));
  }

  put(i: number, bytes: Uint8Array): void {
    this.#setLength(i, bytes.length);
    this.#bytes.set(bytes, this.#slotAt(i));
  }

  /**
   * Sends those from `from` up to `to`, in order: to their addresses, or by a socket that is connected.
   *
   * Answers with how many were lost: nothing waits here.
   */
  send(fd: number, from: number, to: number): number {
    let lost = 0;
    let isAgain = false;
    for (let i = from; i < to; ) {
      const sent = to - i === 1 && this.#named !== 'sent' ? this.#sendOne(fd, i) : this.#sendMany(fd, i, to);
      if (sent === -EINTR) continue;
      // The kernel has no room: as with a full queue, whatever comes next is dropped.
      if (sent === -EAGAIN) return lost + to - i;
      if (sent > 0) {
        i += sent;
        isAgain = false;
        continue;
      }
      // A socket tells by it what befell an earlier datagram as well (udp(7)): this one may not have been tried yet.
      if (isAgain) i += 1;
      else lost += 1;
      isAgain = !isAgain;
    }
    return lost;
  }

  #sendMany(fd: number, from: number, to: number): number {
    return this.#sys.sendmmsg(fd, this.#sent + from * HEADER_BYTES, to - from);
  }

  /** Costs less. Those that have no address go by a socket that is connected. */
  #sendOne(fd: number, i: number): number {
    const at = this.#slotAt(i) + (this.#frames[i] ?? 0);
    const sent =
      this.#named === 'received'
        ? this.#sys.send(fd, at, this.lengthOf(i))
        : this.#sys.sendto(fd, at, this.lengthOf(i), this.#names + i * NAME_BYTES, this.#sentNameLength(i));
    return sent < 0 ? sent : 1;
  }

  #recvFrom(fd: number, i: number): number {
    const header = this.#received + i * HEADER_BYTES;
    const lengthAt = header + NAME_LENGTH_AT;
    this.#view.setUint32(lengthAt, NAME_ROOM, true);
    this.#view.setUint32(header + FLAGS_AT, 0, true);
    this.#namesReceived = Math.max(this.#namesReceived, i + 1);
    return this.#sys.recvfrom(fd, this.#slotAt(i), LONGEST_DATAGRAM, this.#names + i * NAME_BYTES, lengthAt);
  }

  /** Where what is received begins. */
  #slotAt(i: number): number {
    return this.#slots + i * SLOT_BYTES + this.#headroom;
  }

  #nameLength(i: number): number {
    return Math.min(this.#view.getUint32(this.#received + i * HEADER_BYTES + NAME_LENGTH_AT, true), NAME_ROOM);
  }

  #sentNameLength(i: number): number {
    return this.#view.getUint32(this.#sent + i * HEADER_BYTES + NAME_LENGTH_AT, true);
  }

  #setLength(i: number, length: number): void {
    if (i < 0 || i >= DATAGRAMS_AT_ONCE || length > LONGEST_DATAGRAM)
      throw new RangeError(`no room for a datagram of ${length} B in slot ${i}`);
    this.#view.setUint32(this.#sentVectors + i * VECTOR_BYTES + VECTOR_LENGTH_AT, length, true);
  }

  #layOut(i: number, headers: number, vectors: number, isNamed: boolean): void {
    const view = this.#view;
    const header = headers + i * HEADER_BYTES;
    const vector = vectors + i * VECTOR_BYTES;
    this.#bytes.fill(0, header, header + HEADER_BYTES);
    if (isNamed) {
      view.setBigUint64(header + NAME_AT, this.#sys.addressOf(this.#names + i * NAME_BYTES, NAME_ROOM), true);
      view.setUint32(header + NAME_LENGTH_AT, NAME_ROOM, true);
    }
    view.setBigUint64(header + VECTORS_AT, this.#sys.addressOf(vector, VECTOR_BYTES), true);
    view.setBigUint64(header + VECTOR_COUNT_AT, 1n, true);
    view.setBigUint64(vector, this.#sys.addressOf(this.#slotAt(i), LONGEST_DATAGRAM), true);
    view.setBigUint64(vector + VECTOR_LENGTH_AT, BigInt(LONGEST_DATAGRAM), true);
  }
}

import { BATCH_BYTES } from './batch.js';
import type { Sys } from './sys.js';

// Where in `Sys.memory` what is: each place has one use, so that no call can spoil what another has yet to read.

/** Events taken from the kernel at once: a turn of the loop stays short, and abortions are heard between two events. */
export const EVENTS_AT_ONCE = 256;

/** What one recv(2) can bring when bytes are copied: a stream that fills it again and again is spliced. */
export const COPY_BYTES = 65_536;

/** Only x86-64 packs `struct epoll_event` (epoll_ctl(2), EPOLL_PACKED): 4 and 8 B; elsewhere the second is aligned. */
const IS_PACKED = process.arch === 'x64';
const EVENT_BYTES = IS_PACKED ? 12 : 16;
const EVENT_DATA_AT = IS_PACKED ? 4 : 8;

/** `sockaddr_storage` of unix socket headers. */
export const ADDRESS_BYTES = 128;

/** `sockaddr_in6` (ipv6(7)), the longest that a connection has. */
export const SOCKET_ADDRESS_BYTES = 28;

export const EVENTS_AT = 0;
export const CONTROL_AT: number = EVENTS_AT + EVENTS_AT_ONCE * 16;
export const ADDRESS_AT: number = CONTROL_AT + 16;
export const LENGTH_AT: number = ADDRESS_AT + ADDRESS_BYTES;
export const OPTION_AT: number = LENGTH_AT + 8;
export const PIPE_AT: number = OPTION_AT + 8;
export const COUNTER_AT: number = PIPE_AT + 8;
export const COPY_AT: number = COUNTER_AT + 8;
/** Datagrams from peers, and those back to them. */
export const INWARD_AT: number = COPY_AT + COPY_BYTES;
export const OUTWARD_AT: number = INWARD_AT + BATCH_BYTES;
/** Those of SOCKS5 clients, either way. */
export const EXCHANGE_AT: number = OUTWARD_AT + BATCH_BYTES;
export const ARENA_BYTES: number = EXCHANGE_AT + BATCH_BYTES;

/** What is at those places, in the terms of those who use them. */
export class Arena {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor({ memory }: Sys) {
    if (memory.length < ARENA_BYTES) throw new Error(`an arena of ${memory.length} B is too small`);
    this.bytes = memory;
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.length);
  }

  int(at: number): number {
    return this.#view.getInt32(at, true);
  }

  setInt(at: number, value: number): void {
    this.#view.setInt32(at, value, true);
  }

  /** For epoll_ctl(2): what to wait for, and by which descriptor and mark it is known again. */
  setInterest(events: number, fd: number, mark: number): void {
    this.#view.setUint32(CONTROL_AT, events, true);
    this.#view.setInt32(CONTROL_AT + EVENT_DATA_AT, fd, true);
    this.#view.setUint32(CONTROL_AT + EVENT_DATA_AT + 4, mark, true);
  }

  events(index: number): number {
    return this.#view.getUint32(EVENTS_AT + index * EVENT_BYTES, true);
  }

  eventFd(index: number): number {
    return this.#view.getInt32(EVENTS_AT + index * EVENT_BYTES + EVENT_DATA_AT, true);
  }

  eventMark(index: number): number {
    return this.#view.getUint32(EVENTS_AT + index * EVENT_BYTES + EVENT_DATA_AT + 4, true);
  }

  /** Puts bytes where send(2) finds them; at most `COPY_BYTES`. Answers with how many. */
  stage(bytes: Uint8Array): number {
    const part = bytes.length > COPY_BYTES ? bytes.subarray(0, COPY_BYTES) : bytes;
    this.bytes.set(part, COPY_AT);
    return part.length;
  }

  /** A copy of what recv(2) brought, from `from` on. */
  copied(from: number, to: number): Uint8Array {
    return this.bytes.slice(COPY_AT + from, COPY_AT + to);
  }
}

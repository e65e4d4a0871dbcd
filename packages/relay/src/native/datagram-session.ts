import { ADDRESS_AT } from './arena.js';
import type { Batch } from './batch.js';
import type { Descriptors, Watcher } from './descriptors.js';
import { Pace } from './pace.js';
import type { FailedCall } from './protocol.js';
import { familyOf } from './socket-address.js';
import { SOCK_DGRAM } from './sys.js';

/** Where a session's replies go. */
export interface SessionHome {
  readonly now: number;
  /** Its socket has replies, or an error to tell. */
  replies(session: Session): void;
}

/** One peer's datagrams, with a socket of its own, so that the program on the other side can tell peers apart. */
export class Session implements Watcher {
  readonly flow: number;
  readonly fd: number;
  /** The peer: as the kernel has it, and as a key. */
  readonly name: Uint8Array;
  readonly peer: string;
  /** Of its replies. */
  readonly pace: Pace = new Pace();
  readonly #home: SessionHome;
  /** When a datagram last went either way. */
  usedAt: number;
  /** In which order peers were last heard of. */
  heard = 0;
  #sent = 0;
  #received = 0;

  constructor(flow: number, fd: number, from: { readonly name: Uint8Array; readonly peer: string }, home: SessionHome) {
    this.flow = flow;
    this.fd = fd;
    this.name = from.name;
    this.peer = from.peer;
    this.#home = home;
    this.usedAt = home.now;
  }

  ready(): void {
    this.#home.replies(this);
  }

  /** Towards the program. Answers with how many were lost. */
  forward(batch: Batch, from: number, to: number): number {
    for (let i = from; i < to; i += 1) this.#sent += batch.lengthOf(i);
    this.usedAt = this.#home.now;
    return batch.send(this.fd, from, to);
  }

  /** So many datagrams have come from the program at once. */
  replied(count: number, bytes: number): void {
    this.pace.came(count);
    this.#received += bytes;
    this.usedAt = this.#home.now;
  }

  /** Bytes either way since the last call. */
  takeCounts(): readonly [sent: number, received: number] {
    const counts = [this.#sent, this.#received] as const;
    this.#sent = 0;
    this.#received = 0;
    return counts;
  }
}

export type Opened =
  | { readonly fd: number }
  /** Nothing is open. */
  | { readonly call: FailedCall; readonly errno: number };

/** A socket for datagrams that knows its one peer `to`, and leaves from `source` and no other address. */
export function connectedTo(descriptors: Descriptors, to: Uint8Array, source: Uint8Array | null): Opened {
  const { sys } = descriptors;
  const fd = sys.socket(familyOf(to), SOCK_DGRAM);
  if (fd < 0) return { call: 'other', errno: -fd };
  const bound = source === null ? 0 : sys.bind(fd, ADDRESS_AT, descriptors.address(source));
  const connected = bound < 0 ? bound : sys.connect(fd, ADDRESS_AT, descriptors.address(to));
  if (connected >= 0) return { fd };
  descriptors.close(fd);
  return { call: bound < 0 ? 'bind' : 'other', errno: -connected };
}

import type { Network } from '../access/networks.js';
import type { Endpoint, Heard } from '../contracts.js';
import type { DatagramCommand, DatagramNews } from './datagram-protocol.js';

// What the engine and its loop say to each other. Both sides count: connections outwards have positive numbers, given
// by the engine; those that arrive have negative ones, given by the loop. So a number never means two things.

/** To the loop. What is said of a number that is gone is not heard. */
export type Command =
  | { readonly kind: 'listen'; readonly id: number; readonly at: Uint8Array }
  | { readonly kind: 'unlisten'; readonly id: number }
  /** Addresses as the kernel has them. */
  | { readonly kind: 'connect'; readonly id: number; readonly to: Uint8Array; readonly source: Uint8Array | null }
  /** Asks for the next bytes, once. */
  | { readonly kind: 'read'; readonly id: number }
  /** Asks no more; answered with `stopped` unless the answer is under way. */
  | { readonly kind: 'stop_reading'; readonly id: number }
  | { readonly kind: 'write'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end' | 'reset'; readonly id: number }
  /** `toFar`, `toNear`: what was put back, and goes ahead. Answered with `over`, always. */
  | {
      readonly kind: 'join';
      readonly flow: number;
      readonly near: number;
      readonly far: number;
      readonly toFar: readonly Uint8Array[];
      readonly toNear: readonly Uint8Array[];
    }
  | { readonly kind: 'cut'; readonly flow: number }
  /**
   * What arrives at that listener is led on by itself; `to` null: it is handed over. Answered with `routed`. `era`
   * tells it from the routes before; `room`: how many may be led on that have not been taken note of.
   */
  | {
      readonly kind: 'route';
      readonly listener: number;
      readonly era: number;
      readonly to: Uint8Array | null;
      readonly source: Uint8Array | null;
      /** What comes from these is handed over. The ports mean nothing. */
      readonly except: readonly Uint8Array[];
      readonly timeout: number;
      readonly room: number;
    }
  | HandshakeCommand
  /** So many connections that arrived have been taken note of, `led` of them led on. `room`: as above. */
  | { readonly kind: 'took'; readonly count: number; readonly led: number; readonly room: number }
  /** The last `counts` have been taken note of. */
  | { readonly kind: 'counted' }
  | DatagramCommand;

/** Of SOCKS5 clients whom the loop hears. */
export type HandshakeCommand =
  /** What arrives at that listener is heard by the loop itself, as `Handshakes` has it. */
  | {
      readonly kind: 'handshakes';
      readonly listener: number;
      readonly clients: readonly Network[];
      readonly patience: number;
      readonly atOnce: number;
    }
  /** Those that have `asked` are connected to where they want. Each is answered with `unconnected`, or in `led`. */
  | {
      readonly kind: 'onward';
      readonly ids: readonly number[];
      readonly source: Uint8Array | null;
      readonly timeout: number;
    }
  /** Not to be connected, if it is not yet: answered as `onward`, which it follows. */
  | { readonly kind: 'recall'; readonly id: number }
  /** One that has `asked` is read and written from here, as what was `accepted`. */
  | { readonly kind: 'take'; readonly id: number };

/** Which call failed, where that makes a difference. */
export type FailedCall = 'bind' | 'other';

/** From the loop. */
export type News =
  | { readonly kind: 'listening'; readonly id: number; readonly port: number }
  | { readonly kind: 'not_listening'; readonly id: number; readonly errno: number }
  | { readonly kind: 'unlistened'; readonly id: number }
  | {
      readonly kind: 'accepted';
      readonly listener: number;
      readonly id: number;
      readonly remote: Endpoint;
      readonly local: Endpoint;
      /** Of one that the loop has heard; `bytes`: what it has said since. */
      readonly heard?: Heard & { readonly bytes: Uint8Array };
    }
  | AskedNews
  /** It has the number of one that has `asked`, and is from here on as what was `accepted`. */
  | { readonly kind: 'unconnected'; readonly id: number; readonly call: FailedCall; readonly errno: number }
  | { readonly kind: 'connected'; readonly id: number; readonly local: Endpoint }
  | { readonly kind: 'not_connected'; readonly id: number; readonly call: FailedCall; readonly errno: number }
  /** Answers to `read`; null: the other side's FIN. */
  | { readonly kind: 'bytes'; readonly id: number; readonly bytes: Uint8Array | null }
  | { readonly kind: 'stopped'; readonly id: number }
  /** So many `write`s have reached the kernel. */
  | { readonly kind: 'wrote'; readonly id: number; readonly count: number }
  /** The connection is gone and its descriptor given back. */
  | { readonly kind: 'fault'; readonly id: number; readonly errno: number }
  /** Three numbers for each flow that moved: which, bytes sent, bytes received. */
  | { readonly kind: 'counts'; readonly counts: Float64Array }
  /** Both descriptors have been given back. The bytes are those that no `counts` has told. */
  | {
      readonly kind: 'over';
      readonly flow: number;
      readonly end: PairEnd;
      readonly sent: number;
      readonly received: number;
    }
  /** No `led` speaks of an earlier route of that listener any more. */
  | { readonly kind: 'routed'; readonly listener: number; readonly era: number }
  | LedNews
  | { readonly kind: 'shortage' }
  | DatagramNews;

/** Clients that have asked for a connection to an address, and wait for `onward`, `take` or `reset`. */
export interface AskedNews {
  readonly kind: 'asked';
  // Each of them has one place in all of these lists, which cost less to pass on than so many objects.
  readonly ids: readonly number[];
  readonly listeners: readonly number[];
  readonly clients: readonly string[];
  readonly clientPorts: readonly number[];
  /** Where they arrived; the port is the listener's. */
  readonly locals: readonly string[];
  readonly targets: readonly string[];
  readonly ports: readonly number[];
}

/** What became of connections that were led on, since the last one. They have the numbers of those that arrive. */
export interface LedNews {
  readonly kind: 'led';
  /** Two numbers for each: which, and the era of its route. */
  readonly begun: Float64Array;
  /** Those that went `onward` and have been joined. */
  readonly joined: Float64Array;
  /** The clients of those that have `begun`, in `SOCKET_ADDRESS_BYTES` each. */
  readonly clients: Uint8Array;
  /** Three: which, 1 where bind(2) failed, errno. Both descriptors have been given back. */
  readonly failed: Float64Array;
  /** Four, as `over` has them: which, the place of its end in `PAIR_ENDS`, bytes sent, bytes received. */
  readonly over: Float64Array;
}

/** `cut`: because it was asked for. */
export const PAIR_ENDS = ['finished', 'reset', 'idle', 'half_closed_idle', 'cut'] as const;
export type PairEnd = (typeof PAIR_ENDS)[number];

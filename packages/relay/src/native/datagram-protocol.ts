import type { Endpoint } from '../contracts.js';
import type { ExchangeCommand, ExchangeNews } from './exchange-protocol.js';
import type { FailedCall } from './protocol.js';

// What the engine and its loop say to each other of datagrams. Places and flows are numbered by the engine, newcomers
// by the loop.

/** To the loop. What is said of a number that is gone is not heard. */
export type DatagramCommand =
  /** A place: one address, and the sessions of its peers. `idle` in milliseconds. */
  | {
      readonly kind: 'open_place';
      readonly id: number;
      readonly at: Uint8Array;
      readonly idle: number;
      readonly peers: number;
    }
  | { readonly kind: 'close_place'; readonly id: number }
  /** An answer to `newcomer`: what waits of that peer goes on its way. In the end comes `session_over`, always. */
  | {
      readonly kind: 'admit';
      readonly newcomer: number;
      readonly flow: number;
      readonly to: Uint8Array;
      readonly source: Uint8Array | null;
    }
  /** The other answer: that one datagram is dropped. */
  | { readonly kind: 'refuse'; readonly newcomer: number }
  | { readonly kind: 'cut_session'; readonly flow: number }
  /** The last `datagram_counts` have been taken note of. */
  | { readonly kind: 'datagrams_counted' }
  | ExchangeCommand;

/** From the loop. */
export type DatagramNews =
  | { readonly kind: 'place_open'; readonly id: number; readonly port: number }
  | { readonly kind: 'place_not_open'; readonly id: number; readonly errno: number }
  | { readonly kind: 'place_closed'; readonly id: number }
  /** Somebody without a session has sent this. Nothing else of theirs is told until there is an answer. */
  | {
      readonly kind: 'newcomer';
      readonly place: number;
      readonly newcomer: number;
      readonly peer: Endpoint;
      readonly first: Uint8Array;
    }
  /**
   * Three numbers for each flow that moved: which, bytes sent, bytes received. Two for each place: datagrams lost.
   * `EXCHANGE_COUNTS` for each exchange.
   */
  | {
      readonly kind: 'datagram_counts';
      readonly counts: Float64Array;
      readonly lost: Float64Array;
      readonly exchanges: Float64Array;
    }
  /** The descriptor has been given back. The bytes are those that no `datagram_counts` has told. */
  | {
      readonly kind: 'session_over';
      readonly flow: number;
      readonly end: SessionEnd;
      readonly sent: number;
      readonly received: number;
      /** Null: it had a socket. */
      readonly fault: { readonly call: FailedCall; readonly errno: number } | null;
    }
  | ExchangeNews;

/** `cut`: because it was asked for. `stopped`: its place was closed. */
export type SessionEnd = 'idle' | 'cut' | 'stopped' | 'reset';

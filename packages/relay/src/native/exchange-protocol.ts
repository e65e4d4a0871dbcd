import type { Endpoint } from '../contracts.js';

// What the engine and its loop say to each other of SOCKS5 clients' datagrams. Exchanges are numbered by the engine,
// letters and leases by the loop.

/** To the loop. What is said of a number that is gone is not heard. */
export type ExchangeCommand =
  | { readonly kind: 'open_exchange'; readonly id: number; readonly at: Uint8Array }
  /** Answered with `exchange_over`, always. */
  | { readonly kind: 'close_exchange'; readonly id: number }
  | { readonly kind: 'answer_to'; readonly id: number; readonly client: Uint8Array }
  /** As `Letter` has it, with addresses as the kernel has them. */
  | {
      readonly kind: 'send_letter';
      readonly id: number;
      readonly to: Uint8Array;
      readonly source: Uint8Array | null;
      readonly payload: Uint8Array;
      readonly header: Uint8Array | null;
    }
  /** Those letters have been judged, and whatever was to be sent for their sake has been said. */
  | { readonly kind: 'letters_read'; readonly id: number; readonly letters: readonly number[] }
  /** Those of the `leases_due` that go on. */
  | { readonly kind: 'go_on'; readonly id: number; readonly leases: readonly number[] }
  /** Answered with `exchange_settled`. `recalls`: no lease holds any more; of `ipv6` not even the socket. */
  | { readonly kind: 'settle_exchange'; readonly id: number; readonly recalls: 'nothing' | 'leases' | 'ipv6' };

/** From the loop. */
export type ExchangeNews =
  | { readonly kind: 'exchange_open'; readonly id: number; readonly port: number }
  | { readonly kind: 'exchange_not_open'; readonly id: number; readonly errno: number }
  /** Datagrams that no lease covers. Of those with the same header no other is told before the answer. */
  | { readonly kind: 'letters'; readonly id: number; readonly letters: readonly LetterNews[] }
  /** Leases that are used, and end before long. */
  | { readonly kind: 'leases_due'; readonly id: number; readonly leases: readonly LeaseNews[] }
  /** With what no `datagram_counts` has told. */
  | ({ readonly kind: 'exchange_settled'; readonly id: number } & Carried)
  /** The descriptors have been given back. */
  | ({ readonly kind: 'exchange_over'; readonly id: number } & Carried);

export interface LetterNews {
  readonly letter: number;
  readonly from: Endpoint;
  readonly bytes: Uint8Array;
}

export interface LeaseNews {
  readonly lease: number;
  readonly to: Endpoint;
}

/** Since the last time: bytes out and back, the client's datagrams that went out, and those lost either way. */
export interface Carried {
  readonly sent: number;
  readonly received: number;
  readonly datagrams: number;
  readonly lost: number;
}

/** Numbers for each exchange in `datagram_counts`: which, and the four of `Carried`. */
export const EXCHANGE_COUNTS = 5;

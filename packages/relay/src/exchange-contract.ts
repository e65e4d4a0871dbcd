import type { Endpoint } from './contracts.js';

/** Datagrams of one SOCKS5 client, out with a header in front of them (RFC 1928 section 7), and back with one. */
export interface ExchangeOptions {
  /** Where the client sends to, at a port of the system's choice. */
  readonly address: string;
  /** One has come that nothing allows in advance, header and all. Whoever is told may keep `bytes`. */
  heard(bytes: Uint8Array, from: Endpoint): void;
  /** Whether the client may still send to where it was allowed to. Asked again and again while it does. */
  mayGoOn(to: Endpoint): boolean;
  /** Bytes since the last call, from the client and back to it, and how many datagrams of the client went out. */
  carried(sent: number, received: number, datagrams: number): void;
  /** So many were not passed on: too large, or the system took no more. */
  lost(count: number): void;
}

/** A datagram that is to go out. */
export interface Letter {
  readonly payload: Uint8Array;
  readonly to: Endpoint;
  /** The address to leave from, never another one, where its family has no socket yet. Null: the system's choice. */
  readonly source: string | null;
  /**
   * What was in front of it. From here on the client may repeat that: what comes with the same header may go the same
   * way without being heard, for a second at most unless `mayGoOn` says so. Null: the next one is to be heard as well.
   */
  readonly header: Uint8Array | null;
}

/**
 * The sockets of one SOCKS5 client: one towards it, and one for each family outwards, from the first datagram on. All
 * destinations see the same port, and whoever answers to it is heard (RFC 4787 REQ-1 and REQ-8).
 */
export interface Exchange {
  readonly local: Endpoint;
  /** Who the client is. To be told before the first `send`: answers go there. */
  answerTo(client: Endpoint): void;
  send(letter: Letter): void;
  /**
   * Whatever the client sends next is heard. `ipv6`: that family's socket is closed as well, and the next datagram
   * opens another one. Resolves once all that went before has been told to `carried`.
   */
  recall(closing: 'ipv6' | null): Promise<void>;
  /** Resolves once all that went before has been told to `carried`. */
  counted(): Promise<void>;
  /** Resolves once its ports are free and everything has been told to `carried`. */
  close(): Promise<void>;
}

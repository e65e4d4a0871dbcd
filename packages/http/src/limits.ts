import type { Millis } from '@hurricane/core';

/** How much of this process one server's clients can take, and for how long. */
export interface ServeLimits {
  /** From a connection's start, or a request's first byte, to the end of its header. Passed: 408. */
  readonly headersTimeout: Millis;
  /** The same to the end of the body. Not less than `headersTimeout`. */
  readonly requestTimeout: Millis;
  /** How often the two are looked at, and so how late they can be. */
  readonly timeoutCheck: Millis;
  /** How long a connection may rest between two requests. Passed: closed. */
  readonly keepAliveTimeout: Millis;
  /** How long a connection may be still while an answer waits to be read. Passed: cut. */
  readonly stallTimeout: Millis;
  /** Request line and header fields together, in bytes. More: 431. */
  readonly maxHeaderSize: number;
  /** Open connections that get documents. The next {@link SURPLUS_CONNECTIONS} get a 503, further ones are dropped. */
  readonly maxConnections: number;
}

export const SERVE_LIMITS: ServeLimits = {
  // A client on this machine needs a millisecond; ten seconds is for one that was paused.
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  timeoutCheck: 1_000,
  keepAliveTimeout: 5_000,
  stallTimeout: 30_000,
  // Browsers and proxies stay below 8 KiB; 16 KiB is also Node's own choice.
  maxHeaderSize: 16_384,
  // Room for a thousand clients that do nothing and everybody else, at about 10 kB each.
  maxConnections: 2_000,
};

/** What was made once is shown at most so long, even to the same state: times in it must not grow old. */
export const DOCUMENT_LIFE: Millis = 1_000;

/** Connections above the limit that are told so. Bounds what being polite may cost. */
export const SURPLUS_CONNECTIONS = 100;

/**
 * How long a connection is still read from after its last answer. Closing while the client is
 * sending makes the kernel reset the connection, which can destroy the answer before it is read.
 */
export const LINGER: Millis = 500;

/** Bytes read of a body after its answer, meanwhile: the kernels of both sides hold no more of a small one. */
export const DRAINED = 1_048_576;

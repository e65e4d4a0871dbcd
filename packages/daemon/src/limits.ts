import type { Millis } from '@hurricane/core';

/** How long the parts of an end may take; together, the time from SIGTERM to the end. */
export interface StopLimits {
  /** Clients that hold a connection to the API are cut after this. */
  readonly api: Millis;
  /** Connections through the relay may finish for so long, then they are reset. */
  readonly relay: Millis;
  /** Tunnels that the host has not let go of by then are named in the log. */
  readonly gateway: Millis;
  /** Helper programs that have not ended by then are left to the system. */
  readonly host: Millis;
}

/** 20 s, half of what the systemd unit waits before it kills. */
export const STOP_LIMITS: StopLimits = { api: 1_000, relay: 2_000, gateway: 15_000, host: 1_500 };

/** How long the last lines may take to be read, which the 20 s include. */
export const FLUSH_LIMIT: Millis = 500;

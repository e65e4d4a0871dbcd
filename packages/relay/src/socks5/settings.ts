import type { Ipv4Policy, Millis } from '@hurricane/core';
import type { DestinationRule } from '../access/destinations.js';
import type { Network } from '../access/networks.js';
import type { Endpoint } from '../contracts.js';

export interface Socks5Settings {
  readonly listen: Endpoint;
  /** A private file of `name:hash` lines. Null: nobody is asked for a password. */
  readonly usersFile: string | null;
  /** Empty: whoever reaches the listening address. */
  readonly allowClients: readonly Network[];
  readonly allowDestinations: readonly DestinationRule[];
  readonly denyDestinations: readonly DestinationRule[];
  readonly ipv4: Ipv4Policy;
  /** Whether the first connection to an address tries every healthy tunnel, and later ones the fastest of them. */
  readonly raceTunnels: boolean;
  /** Name servers, as `192.0.2.53` or `[2001:db8::53]:53`. Null: the system's, and its hosts file. */
  readonly resolver: readonly string[] | null;
  /** Ports by which this host is controlled, such as the API's; the proxy adds its own. */
  readonly control: readonly Endpoint[];
}

/** From the first byte to the end of the request, in total: a program on a slow line needs a second. */
export const HANDSHAKE_LIMIT: Millis = 10_000;

/** How long an engine hears a client by itself: one that says what it wants at once has done so by then. */
export const HEARD_FOR: Millis = 1_000;

/** And so many at once; those beyond are heard here. They count as opening, but not against its bounds. */
export const HEARD_AT_MOST = 256;

/** Clients that have not come to a flow yet: in their handshake, or waiting for a connection to be made. */
export const OPENING_AT_MOST = 2_048;

/** Of one address. All programs of this host share one, 127.0.0.1. */
export const OPENING_OF_CLIENT_AT_MOST = 1_024;

/** What a client may send before its connection is made: the window of a connection that has just begun. */
export const EARLY_DATA_AT_MOST = 65_536;

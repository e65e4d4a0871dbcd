import type { UnixSeconds } from './units.js';

// What a relay is asked for and what it answers: ports of a tunnel's address that lead to programs here, and back.

export type PortProtocol = 'udp' | 'tcp';

export interface PortMappingRequest {
  readonly protocol: PortProtocol;
  /** Port on this machine's loopback address, 1 to 65535. */
  readonly internalPort: number;
  /** Port on the IPv6 address, 1 to 65535. */
  readonly externalPort: number;
  /** Canonical text (RFC 5952) of an address of a tunnel. `auto`: the primary's, whichever that is at the time. */
  readonly v6Address: string | 'auto';
  /** `in`, also when left out: from the IPv6 side to the program here. `out`: from the program here to `target`. */
  readonly direction?: 'in' | 'out';
  /** `out` only: the far end, as `[2001:db8::1]:7654`. */
  readonly target?: string;
  readonly description?: string;
}

/** A mapping that exists: its sockets are open. */
export interface PortMapping {
  readonly protocol: PortProtocol;
  readonly internalPort: number;
  readonly externalPort: number;
  /** Where it listens at this moment; never `auto`. */
  readonly v6Address: string;
  readonly direction: 'in' | 'out';
  readonly target: string | null;
  readonly description: string | null;
  readonly since: UnixSeconds;
}

/** What is known of a port's way in from the Internet. */
export interface PortProbe {
  /** `started`: somebody outside has been asked, and the answer is not in yet. */
  readonly finding: 'open' | 'closed' | 'started' | 'unknown';
  /** One sentence for people: who looked, and from where. */
  readonly note: string;
}

export type PortError =
  /** Another mapping or another program has it. */
  | { readonly kind: 'port_taken'; readonly port: number; readonly side: 'internal' | 'external' }
  /** The gateway needs it for itself, such as for its API. */
  | { readonly kind: 'port_reserved'; readonly port: number; readonly side: 'internal' | 'external' }
  | { readonly kind: 'not_permitted'; readonly port: number }
  | { readonly kind: 'address_not_ours'; readonly address: string; readonly ours: readonly string[] }
  /** `auto` was asked for, and no tunnel has an address. */
  | { readonly kind: 'no_address' }
  /** `target` is missing, not needed, or nowhere a mapping may lead. `problem` completes "target …". */
  | { readonly kind: 'bad_target'; readonly problem: string }
  | { readonly kind: 'unknown_mapping'; readonly protocol: PortProtocol; readonly externalPort: number }
  | { readonly kind: 'too_many_mappings'; readonly limit: number }
  /** The system said no for a reason of its own, such as `EMFILE`. */
  | { readonly kind: 'failed'; readonly code: string };

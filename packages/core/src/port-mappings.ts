import type { Millis, UnixSeconds } from './units.js';

// What a relay is asked for and what it answers: ports of a tunnel's address that lead to programs here, and back.

export type PortProtocol = 'udp' | 'tcp';

/** At once, those of the configuration included: each has a socket, and is looked at whenever a tunnel changes. */
export const MAX_PORT_MAPPINGS = 256;

export interface PortMappingRequest {
  readonly protocol: PortProtocol;
  /** Port on this machine's loopback address, 1 to 65535. */
  readonly internalPort: number;
  /** Port on the IPv6 address, 1 to 65535. `out`: what the mapping goes by; the system chooses where it leaves from. */
  readonly externalPort: number;
  /** Canonical text (RFC 5952) of an address of a tunnel. `auto`: the primary's, whichever that is at the time. */
  readonly v6Address: string | 'auto';
  /** `in`, also when left out: from the IPv6 side to the program here. `out`: from the program here to `target`. */
  readonly direction?: 'in' | 'out';
  /** `out` only: the far end, as `[2001:db8::1]:7654`. */
  readonly target?: string;
  readonly description?: string;
}

/**
 * How a mapping is.
 *
 * `open`: it can be used. `unreachable`: its sockets are open, and nothing comes back through its tunnel. `waiting`: no
 * tunnel has its address; it opens when one does. `failed`: the system did not open its port, and is asked again.
 */
export type MappingState = 'open' | 'unreachable' | 'waiting' | 'failed';

/** A mapping that exists. */
export interface PortMapping {
  readonly protocol: PortProtocol;
  /** Where the program is, or with `out` where this gateway listens for it: an address. */
  readonly internalHost: string;
  readonly internalPort: number;
  readonly externalPort: number;
  /** Where it listens, or with `out` what it leaves from, at this moment; null: `auto` has none to follow. */
  readonly v6Address: string | null;
  /** It was asked for as `auto`, and follows the primary. */
  readonly auto: boolean;
  readonly direction: 'in' | 'out';
  readonly target: string | null;
  readonly description: string | null;
  /** Its name in the configuration, such as NAME of `[mapping.NAME]`; null: it was made by a program. */
  readonly name: string | null;
  readonly state: MappingState;
  /** Why it is not `open`, one sentence; null while it is. */
  readonly problem: string | null;
  readonly since: UnixSeconds;
}

/** What is known of a port's way in from the Internet. */
export interface PortProbe {
  /** `unknown`: it could not be found out; the note says why. */
  readonly finding: 'reachable' | 'unreachable' | 'unknown';
  /** What was sent to; null when nothing was. */
  readonly address: string | null;
  /** The tunnel it was sent out through; null when nothing was sent. */
  readonly vantage: string | null;
  /** From there to here; null unless it arrived. */
  readonly latency: Millis | null;
  /** One sentence for people: who looked, and from where. */
  readonly note: string;
}

export type PortError =
  /** Another mapping or another program has it. `holder` completes "taken by …"; null when it cannot be told. */
  | {
      readonly kind: 'port_taken';
      readonly port: number;
      readonly side: 'internal' | 'external';
      readonly holder: string | null;
    }
  /** The gateway needs it for itself, such as for its API. */
  | { readonly kind: 'port_reserved'; readonly port: number; readonly side: 'internal' | 'external' }
  | { readonly kind: 'not_permitted'; readonly port: number }
  | { readonly kind: 'address_not_ours'; readonly address: string; readonly ours: readonly string[] }
  /** `auto` was asked for, and no tunnel has an address. */
  | { readonly kind: 'no_address' }
  /** `target` is missing, not needed, or nowhere a mapping may lead. `problem` completes "target …". */
  | { readonly kind: 'bad_target'; readonly problem: string }
  | { readonly kind: 'unknown_mapping'; readonly protocol: PortProtocol; readonly externalPort: number }
  /** It stands in the configuration under that name, and is removed there. */
  | { readonly kind: 'mapping_configured'; readonly name: string }
  | { readonly kind: 'too_many_mappings'; readonly limit: number }
  /** The system said no for a reason of its own, such as `EMFILE`. */
  | { readonly kind: 'failed'; readonly code: string };

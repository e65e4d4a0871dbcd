/** The tunnel server at the far end of one tunnel. */
export interface Pop {
  /** `popA`, `popB` and so on. */
  readonly name: string;
  /** Its IPv4 address, where 6in4 packets go. */
  readonly v4: string;
  /** The middle namespace's address on the link to it. */
  readonly v4Router: string;
  readonly tunnel: TunnelAddresses;
  /** Its own and the internet's address on the link between them. */
  readonly uplink: { readonly pop: string; readonly internet: string };
}

/** One client's /64 and the two addresses in it that are used. */
export interface TunnelAddresses {
  readonly prefix: string;
  readonly client: string;
  readonly server: string;
}

/** The machine under test: its IPv4 address, and its router's. */
export const CLIENT_V4 = '192.0.2.2';
export const CLIENT_ROUTER = '192.0.2.1';

/** Two hosts on the IPv6 internet, reachable behind every PoP. */
export const TARGETS: readonly [string, string] = ['2001:db8:ffff::1', '2001:db8:ffff::2'];

/** Every PoP has four addresses of 198.51.100.0/24 and a letter, so far fewer than either would allow. */
export const MAX_POPS = 8;

/** The PoP's ends of its links, the same in every PoP. */
export const POP_WAN = 'wan0';
export const POP_UPLINK = 'net0';
export const POP_TUNNEL = 'tun0';

/** The client's IPv4 interface. */
export const CLIENT_WAN = 'wan0';

/**
 * Names and addresses of the first `count` PoPs.
 *
 * ```
 *            +---- middle (IPv4 only) ----+        +-- popA: 198.51.100.2 --+
 *   client --| 192.0.2.1     198.51.100.1 |--------|                        |-- internet
 *   192.0.2.2|               198.51.100.5 |--------+-- popB: 198.51.100.6 --+   2001:db8:ffff::1
 *            +----------------------------+                                    2001:db8:ffff::2
 * ```
 *
 * The client's end of the tunnel to popA is 2001:db8:1::2/64, to popB 2001:db8:2::2/64, and so on.
 */
export function popsOf(count: number): readonly Pop[] {
  if (!Number.isInteger(count) || count < 1 || count > MAX_POPS) {
    throw new Error(`a test bed has 1 to ${MAX_POPS} PoPs, not ${count}`);
  }
  return Array.from({ length: count }, (_, index) => {
    const n = index + 1;
    return {
      name: `pop${String.fromCharCode('A'.charCodeAt(0) + index)}`,
      v4: `198.51.100.${4 * index + 2}`,
      v4Router: `198.51.100.${4 * index + 1}`,
      tunnel: { prefix: `2001:db8:${n}::/64`, client: `2001:db8:${n}::2`, server: `2001:db8:${n}::1` },
      uplink: { pop: `2001:db8:fe:${n}::1`, internet: `2001:db8:fe:${n}::2` },
    };
  });
}

/** Where the middle namespace and the internet keep their end of the link to this PoP: named like it. */
export const linkTo = (pop: Pop): string => pop.name;

/** The client's interface to a PoP in a plain test bed: `extA` for `popA`. */
export const plainLink = (pop: Pop): string => `ext${pop.name.slice('pop'.length)}`;

import type { Namespace } from './namespace.js';

/** What kind of socket a packet is from (chatter.mjs); `other` is what is neither TCP nor UDP, such as probes. */
export type SocketKind = 'unbound' | 'steadfast' | 'connected' | 'fresh' | 'syn' | 'other';

const KINDS: Readonly<Record<number, SocketKind>> = {
  7000: 'unbound',
  7001: 'steadfast',
  7002: 'connected',
  7003: 'fresh',
  7004: 'syn',
};

/** Packets of one kind that left with one source by one interface. */
export interface Departure {
  readonly source: string;
  readonly iface: string;
  readonly kind: SocketKind;
  /** `port 7001`, or `protocol ipv6-icmp` of what has no ports. */
  readonly to: string;
  readonly packets: number;
}

/** Sources and interfaces there can be, several times over. */
const SET_SIZE = 1_024;

/**
 * Counts, at the last hook before the interface, every IPv6 packet that leaves a namespace by its source
 * and its interface. What stays on the machine (`lo`) has not left, and link-local and unspecified
 * sources belong to neighbour discovery, which every interface sends by itself.
 */
const METER = `table inet leaks {
  set flows { type ipv6_addr . ifname . inet_service; size ${SET_SIZE}; flags dynamic; counter; }
  set others { type ipv6_addr . ifname . inet_proto; size ${SET_SIZE}; flags dynamic; counter; }
  chain leave {
    type filter hook postrouting priority 300;
    oifname "lo" accept
    ip6 saddr { fe80::/10, :: } accept
    meta nfproto ipv6 meta l4proto { tcp, udp } update @flows { ip6 saddr . oifname . th dport } accept
    meta nfproto ipv6 update @others { ip6 saddr . oifname . meta l4proto }
  }
}`;

/** Has nft count in that namespace what leaves by which interface. */
export async function meterDepartures(space: Namespace): Promise<void> {
  await space.nft(METER);
}

/** Everything counted so far. */
export async function readDepartures(space: Namespace): Promise<readonly Departure[]> {
  const shown = JSON.parse(await space.must(['nft', '-j', 'list', 'table', 'inet', 'leaks'])) as Listing;
  return shown.nftables.flatMap(({ set }) =>
    (set?.elem ?? []).map(({ elem: { val, counter } }) => {
      const [source, iface, last] = val.concat;
      const hasPorts = set?.name === 'flows';
      const kind = hasPorts ? KINDS[Number(last)] : undefined;
      const to = `${hasPorts ? 'port' : 'protocol'} ${last}`;
      return { source, iface, kind: kind ?? 'other', to, packets: counter.packets };
    }),
  );
}

interface Listing {
  readonly nftables: readonly {
    readonly set?: {
      readonly name: string;
      readonly elem?: readonly {
        readonly elem: {
          readonly val: { readonly concat: readonly [string, string, number | string] };
          readonly counter: { readonly packets: number };
        };
      }[];
    };
  }[];
}

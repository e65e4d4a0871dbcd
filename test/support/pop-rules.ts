import { POP_TUNNEL, POP_UPLINK, POP_WAN, type Pop } from './topology.js';

// Packets are dropped where they arrive. A sender whose own egress drops is told so (ENOBUFS),
// which no real network does.

/**
 * A PoP lets in only what comes from its client's own prefix (BCP 38), and counts what it refuses.
 *
 * Link-local and unspecified sources belong to neighbour discovery and multicast listeners, which
 * every interface sends by itself and no router forwards.
 */
export function sourceGuard(pop: Pop): string {
  return `
table inet guard {
  counter foreign { }
  chain arrive {
    type filter hook prerouting priority raw;
    iifname "${POP_TUNNEL}" ip6 saddr != { ${pop.tunnel.prefix}, fe80::/10, :: } counter name foreign drop
  }
}
`;
}

/**
 * A black hole: nothing gets through the PoP in either direction, and nobody is told.
 *
 * IPv4 between client and PoP goes on; neighbours on a plain link still find each other, as they
 * do when the trouble lies further on.
 */
export const BLACK_HOLE: string = `
table inet cut {
  chain arrive {
    type filter hook prerouting priority raw - 1;
    iifname "${POP_WAN}" ip protocol ipv6 drop
    iifname "${POP_TUNNEL}" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    iifname "${POP_TUNNEL}" drop
    iifname "${POP_UPLINK}" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    iifname "${POP_UPLINK}" drop
  }
}
`;

/** Removing what is not there fails, so it is made first; one transaction shows neither step. */
export const NO_BLACK_HOLE: string = `
table inet cut { }
delete table inet cut
`;

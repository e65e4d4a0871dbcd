import type { Config } from './config/model.js';
import type { ProbePlan } from './facts.js';
import { lossAtMost } from './health.js';
import { popAddressOf } from './rings.js';
import { ifaceOf, type Tunnel } from './tunnel.js';
import type { Millis } from './units.js';

// A tunnel that loses large packets, and whose path tells nobody so, answers every small probe and
// stalls every download (RFC 2923 section 2.1). One probe of full size now and then finds it.

/** Between two full-sized probes: with the small ones they cost less than 250 bytes a second. */
const SIZE_INTERVAL: Millis = 20_000;

/** The same once one has been lost. */
const SIZE_INTERVAL_IN_DOUBT: Millis = 1_000;

/** Full-sized probes lost in a row, between small ones that are answered, that make a black hole: so many... */
const LEAST_MISSES = 4;
const MOST_MISSES = 20;

/** ...that a tunnel which loses packets of any size comes to them by chance this rarely. */
const CHANCE = 1e-8;

/** RFC 8200 section 5: every link carries so much. A tunnel this narrow has nothing to be found out. */
const LEAST_MTU = 1_280;

/** Full-sized packets vanish although small ones pass, and the path does not say why. */
export function isMtuBlackHole(t: Tunnel): boolean {
  const { misses, refused } = t.sides.size;
  // Two logarithms for each probe of each tunnel are for those that have missed something.
  return t.state.kind === 'up' && misses >= LEAST_MISSES && misses >= missesNeeded(t) && !refused;
}

function missesNeeded({ window }: Tunnel): number {
  const needed = Math.ceil(Math.log(CHANCE) / Math.log(Math.min(0.9, lossAtMost(window))));
  return Math.min(MOST_MISSES, Math.max(LEAST_MISSES, needed));
}

/** Asked of the provider's own end where that answers: of others it is not known that they take such packets. */
export function sizePlan(t: Tunnel, { health }: Config): ProbePlan | null {
  const { size, pop } = t.sides;
  const source = t.reading?.address ?? null;
  const mtu = t.reading?.mtu ?? null;
  if (t.state.kind !== 'up' || source === null || mtu === null || mtu <= LEAST_MTU) return null;
  // Where small ones are lost too, nothing can be said about sizes.
  if ((t.liveness.kind !== 'alive' && t.liveness.kind !== 'suspect') || t.health === null) return null;
  const target = Number.isFinite(pop.heardAt) ? popAddressOf(t) : (t.probing.target ?? health.targets[0]!);
  if (target === null) return null;
  const doubt = size.misses > 0 && !size.refused && !isMtuBlackHole(t);
  return {
    iface: ifaceOf(t),
    source,
    targets: [target],
    interval: doubt ? SIZE_INTERVAL_IN_DOUBT : SIZE_INTERVAL,
    packetSize: mtu,
    // A large packet takes longer than a small one on a thin line: nothing hurries.
    deadline: { min: health.deadline.max, max: health.deadline.max },
    rtt: null,
  };
}

/** What to do about it: a sentence's end. */
export function mtuRemedy(t: Tunnel): string {
  const { type, iface } = t.running ?? t.config;
  switch (type) {
    case 'he_6in4':
      return `set "mtu = ${LEAST_MTU}" for this tunnel, or find the narrowest link on the way`;
    case 'wireguard':
    case 'mullvad':
      return `set "MTU = ${LEAST_MTU}" in the file of wg-quick for ${iface}`;
    case 'external':
      return `lower the MTU of ${iface}, at least to ${LEAST_MTU}`;
  }
}

import { parseIpv4 } from './address.js';
import type { Config } from './config/model.js';
import type { ProbePlan } from './facts.js';
import { isDown } from './liveness.js';
import type { SideProbing } from './side-probes.js';
import { ifaceOf, silentFrom, type Tunnel } from './tunnel.js';
import { type Instant, type Millis, NEVER } from './units.js';

// Three rings of evidence lie around this machine: the IPv4 path to the provider (the underlay), the
// provider's own end of the tunnel (the PoP), and the targets in the Internet. When the outermost
// falls silent, the other two tell where the silence begins.

/** Between two probes of a ring while a silent tunnel's fault is being placed. */
const RING_INTERVAL: Millis = 500;

/**
 * Rings are asked from so long after the verdict: beginning to ask takes the host some milliseconds a
 * ring, and moving the traffic goes before knowing where the fault lies.
 */
const RING_PATIENCE: Millis = 250;

/** The same once the ring has said its word: it may change, but nobody waits for it. */
const RING_INTERVAL_KNOWN: Millis = 5_000;

/** A ring that answers none of so many probes when the tunnel comes up is one that answers nobody. */
const CALIBRATION = 5;

/** Misses in a row that make a ring silent, and that leave it answering: in between it may be either. */
const RING_MISSES = 4;
const STRAY_MISSES = 1;

/** Mullvad's gateway inside every tunnel of theirs. */
export const MULLVAD_POP = 'fc00:bbbb:bbbb:bb01::1';

/** What a ring says about the time since a tunnel fell silent. Null: nothing that could be relied on. */
export type RingVerdict = 'answers' | 'silent' | null;

/** The provider's own address inside the tunnel; null where none is known. */
export function popAddressOf({ running, config, reading }: Tunnel): string | null {
  const tunnel = running ?? config;
  if (tunnel.popAddress !== undefined) return tunnel.popAddress;
  const own = reading?.address ?? tunnel.address;
  switch (tunnel.type) {
    case 'he_6in4':
      return own === null ? null : serverIn(own);
    case 'mullvad':
      return MULLVAD_POP;
    case 'external':
    case 'wireguard':
      return null;
  }
}

/** tunnelbroker.net gives ::1 to its server and ::2 to the client. */
function serverIn(client: string): string | null {
  return client.endsWith('::2') ? `${client.slice(0, -1)}1` : null;
}

/** Where the tunnel's packets go; null where it is unknown, or no IPv4 address. */
export function underlayOf({ running, config, reading }: Tunnel): string | null {
  const tunnel = running ?? config;
  if (tunnel.type === 'he_6in4') return tunnel.endpoint;
  const host = /^([0-9.]+):[0-9]+$/.exec(reading?.endpoint ?? '')?.[1];
  return host === undefined ? null : parseIpv4(host).unwrapOr(null);
}

/** Asked when the tunnel comes up, to learn whether it answers at all, and whenever the tunnel is silent. */
export function popPlan(t: Tunnel, config: Config, now: Instant): ProbePlan | null {
  const pop = popAddressOf(t);
  const source = t.reading?.address ?? null;
  if (pop === null || source === null || pop === source) return null;
  return ringPlan(t, t.sides.pop, { source, target: pop }, config, now);
}

export function underlayPlan(t: Tunnel, config: Config, now: Instant): ProbePlan | null {
  const target = underlayOf(t);
  const tunnel = t.running ?? t.config;
  const source = tunnel.type === 'he_6in4' ? tunnel.local : null;
  return target === null ? null : ringPlan(t, t.sides.underlay, { source, target }, config, now);
}

function ringPlan(
  t: Tunnel,
  ring: SideProbing,
  path: { readonly source: string | null; readonly target: string },
  config: Config,
  now: Instant,
): ProbePlan | null {
  const untried = Number.isFinite(ring.heardAt) ? false : ring.asked < CALIBRATION;
  const due = isDown(t.liveness) && (ring.told !== null || now >= patienceEnd(t));
  if (t.state.kind !== 'up' || (!due && !untried)) return null;
  return {
    iface: ifaceOf(t),
    source: path.source,
    targets: [path.target],
    interval: isTold(t, ring, config) ? RING_INTERVAL_KNOWN : RING_INTERVAL,
    packetSize: null,
    deadline: config.health.deadline,
    // Both ends of the tunnel are on the way to the targets.
    rtt: t.rtt,
  };
}

/** When rings that are not asked yet are due. */
export function ringsWake(t: Tunnel, now: Instant): Instant {
  const { pop, underlay } = t.sides;
  const waiting = isDown(t.liveness) && now < patienceEnd(t) && (pop.told === null || underlay.told === null);
  return waiting ? patienceEnd(t) : NEVER;
}

const patienceEnd = ({ liveness }: Tunnel): Instant => liveness.since + RING_PATIENCE;

function isTold(t: Tunnel, ring: SideProbing, config: Config): boolean {
  return t.liveness.kind === 'hard_down' && (ring.misses >= RING_MISSES || ringVerdict(t, ring, config) === 'answers');
}

/**
 * Silence counts only from a ring that has answered before: many a router answers nobody. What a ring that is not
 * asked has said is of an earlier silence.
 */
export function ringVerdict(t: Tunnel, ring: SideProbing, { health }: Config): RingVerdict {
  if (!isDown(t.liveness) || ring.told === null) return null;
  if (ring.misses <= STRAY_MISSES) return ring.heardAt >= silentFrom(t, health) ? 'answers' : null;
  if (ring.misses < RING_MISSES) return null;
  return ring.refused || Number.isFinite(ring.heardAt) ? 'silent' : null;
}

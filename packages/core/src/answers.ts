import type { Config } from './config/model.js';
import type { DriverError, LinkCounters, LinkReading } from './facts.js';
import { observeRx } from './liveness.js';
import { observeTraffic } from './traffic.js';
import { backoff, ifaceOf, LOOK_INTERVAL, type Look, type Tunnel, unjudged } from './tunnel.js';
import { type Instant, LONG_AGO, type Millis, NEVER } from './units.js';

// What the host's answers about a tunnel's interface leave on record. What follows from it is settle-tunnel.ts.

export function raised(t: Tunnel, reading: LinkReading, now: Instant): Tunnel {
  if (t.state.kind !== 'starting') return t;
  const look: Look = { kind: 'idle', nextAt: now + LOOK_INTERVAL };
  return { ...t, state: { kind: 'up', since: now }, reading, look, ...unjudged(now, t) };
}

export function lowered(t: Tunnel): Tunnel {
  if (t.state.kind !== 'stopping') return t;
  return { ...t, state: { kind: 'down' }, restarting: false, running: null, reading: null, ...unjudged(LONG_AGO, t) };
}

export function failed(t: Tunnel, fault: DriverError, now: Instant, config: Config): Tunnel {
  const attempt = 'attempt' in t.state ? t.state.attempt : 1;
  const retryAt = now + backoff(attempt, config);
  return {
    ...t,
    state: { kind: 'failed', fault, lowering: t.state.kind === 'stopping', attempt, retryAt },
    look: { kind: 'idle', nextAt: NEVER },
    ...unjudged(now, t),
  };
}

/**
 * A tunnel that was up for so long gets a lost address back so soon, as it does rules and routes; where the address
 * goes again and again, somebody means it, and it waits as after any other failure. A deleted interface waits, too:
 * whoever does that may be about to make another one.
 */
const ADDRESS_FIRM: Millis = 10_000;
const ADDRESS_RETRY: Millis = 50;

export function inspected(t: Tunnel, reading: LinkReading, now: Instant, config: Config): Tunnel {
  if (t.look.kind !== 'busy') return t;
  const look: Look = { kind: 'idle', nextAt: t.look.again ? now : now + LOOK_INTERVAL };
  if (t.state.kind !== 'up') return { ...t, look };
  const fault = faultOf(reading, t);
  if (fault === null) return { ...t, look, reading };
  const broken = failed({ ...t, reading }, fault, now, config);
  const soon = fault.kind === 'misconfigured' && now - t.state.since >= ADDRESS_FIRM;
  return soon && broken.state.kind === 'failed'
    ? { ...broken, state: { ...broken.state, retryAt: now + ADDRESS_RETRY } }
    : broken;
}

/** What is gone that the tunnel had when it came up: raising it again is the way to get it back. */
function faultOf(reading: LinkReading, t: Tunnel): DriverError | null {
  if (reading.link !== 'up') return { kind: 'interface_missing', iface: ifaceOf(t) };
  const bare = reading.address === null && t.reading?.address != null;
  return bare ? { kind: 'misconfigured', setting: 'address', problem: `is gone from interface "${ifaceOf(t)}"` } : null;
}

export function inspectionFailed(t: Tunnel, now: Instant): Tunnel {
  if (t.look.kind !== 'busy') return t;
  return { ...t, look: { kind: 'idle', nextAt: t.look.again ? now : now + LOOK_INTERVAL } };
}

/**
 * An interface whose counters went back was made anew: what the driver gave the old one, addresses and
 * routes and rules, went with it.
 */
export function measured(t: Tunnel, counters: LinkCounters, now: Instant, config: Config): Tunnel {
  if (t.state.kind !== 'up' || t.reading === null) return t;
  const before = t.traffic.counters;
  if (before !== null && (counters.rx < before.rx || counters.tx < before.tx))
    return failed(t, { kind: 'interface_missing', iface: ifaceOf(t) }, now, config);
  const { traffic, stalled } = observeTraffic(t.traffic, counters, now, { rtt: t.rtt, health: config.health });
  const heard = observeRx(t.liveness, counters.rx, now);
  // Traffic that has stopped is no verdict, but a reason to ask at once, and quickly.
  const liveness = stalled ? { ...heard, replies: 0 } : heard;
  return { ...t, reading: { ...t.reading, counters }, traffic, liveness };
}

/** Faults that a change of the interface or its addresses may have mended. */
const WANTING: readonly DriverError['kind'][] = ['interface_missing', 'misconfigured'];

/** Something about its interface changed: look now, and try again soon if it failed for want of something there. */
export function stirred(t: Tunnel, now: Instant, config: Config): Tunnel {
  if (t.state.kind === 'up')
    return { ...t, look: t.look.kind === 'busy' ? { ...t.look, again: true } : { kind: 'idle', nextAt: now } };
  if (t.state.kind !== 'failed' || !WANTING.includes(t.state.fault.kind)) return t;
  return { ...t, state: { ...t.state, retryAt: Math.min(t.state.retryAt, now + config.operation.retryMin) } };
}

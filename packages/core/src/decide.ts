import type { Emit } from './effects.js';
import { failoverWake, settleFailover } from './failover.js';
import { isDown } from './liveness.js';
import { routeWake, settleRoute } from './route.js';
import { changedAt, primaryOf, type State } from './state.js';
import type { Tunnel } from './tunnel.js';
import { type Instant, LONG_AGO } from './units.js';

/**
 * Decides which tunnel carries the traffic and which routes follow, unless nothing that these look at has
 * changed since the last time: most probes only say once more what is known.
 *
 * @param before the state as the last step left it.
 */
export function settleDecision(before: State, state: State, now: Instant, emit: Emit): State {
  if (isDecided(before, state, now)) return state;
  const decided = settleRoute(settleFailover(state, now, emit), now, emit);
  // Whatever has just been decided is looked at once more: one thing may lead to another.
  const moved = decided.failover !== state.failover;
  const decideAt = moved ? LONG_AGO : Math.min(failoverWake(decided, now), routeWake(decided));
  const { whole, shared, restless, wakeAt } = decided.settled;
  return { ...decided, settled: { whole, shared, restless, wakeAt, decideAt } };
}

/** When it is to be decided anew, whatever happens until then. */
export function decisionWake(state: State, now: Instant): Instant {
  const { decideAt } = state.settled;
  return decideAt > now ? decideAt : Math.min(failoverWake(state, now), routeWake(state));
}

function isDecided(before: State, state: State, now: Instant): boolean {
  const { settled, preference, failover, route, nextCheckAt, tunnels } = state;
  if (settled.shared === null || settled.shared !== before.settled.shared || now >= settled.decideAt) return false;
  if (preference !== before.preference || failover !== before.failover) return false;
  if (route !== before.route || nextCheckAt !== before.nextCheckAt) return false;
  const primary = primaryOf(state);
  // Whoever takes over from a silent primary has to prove itself, and every probe may be the proof.
  if (primary === null || isDown(primary.liveness) || tunnels.length !== before.tunnels.length) return false;
  return changedAt(before.tunnels, tunnels).every((i) => weighsTheSame(tunnels[i]!, before.tunnels[i]!));
}

function weighsTheSame(a: Tunnel, b: Tunnel): boolean {
  const stands = a.state.kind === b.state.kind && a.liveness.kind === b.liveness.kind;
  const scores = a.health?.score === b.health?.score && a.soundSince === b.soundSince && a.flaps === b.flaps;
  const word = a.wanted === b.wanted && a.restarting === b.restarting && a.leaving === b.leaving;
  const wanted = word && a.config === b.config && a.running === b.running;
  const routes = a.reading?.address === b.reading?.address && a.reading?.gateway === b.reading?.gateway;
  return stands && scores && wanted && routes && a.liveness.steadyAt === b.liveness.steadyAt;
}

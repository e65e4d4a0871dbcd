import type { Config } from './config/model.js';
import { NO_ROUTE, type RoutePlan } from './facts.js';
import type { Settled } from './settle-tunnels.js';
import { ifaceOf, inShape, newTunnel, type Tunnel } from './tunnel.js';
import { type Instant, LONG_AGO, NEVER } from './units.js';
import { NO_UPKEEP, type Upkeep } from './upkeep.js';

export type FailoverState =
  /** Nothing fit to carry traffic yet. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'holding'; readonly primary: string; readonly since: Instant }
  /** The primary is sick and there is no backup: said once, not at every check. */
  | { readonly kind: 'stranded'; readonly primary: string; readonly since: Instant };

/** Whom the operator asked for. */
export interface Preference {
  readonly tunnel: string;
  /** It has not had the route since it was asked for, and gets it at once when it can carry traffic. */
  readonly pending: boolean;
}

export interface RouteState {
  readonly desired: RoutePlan;
  /** Null: the host's table is not known to match any plan of ours. */
  readonly applied: RoutePlan | null;
  readonly pending: RoutePlan | null;
  readonly epoch: number;
  readonly deadline: Instant;
  readonly retryAt: Instant;
  /** When the host is asked to match the plan once more, though nothing is known to have changed. */
  readonly assertAt: Instant;
  /** Failed tries in a row. */
  readonly attempt: number;
}

export interface State {
  readonly phase: 'stopped' | 'running' | 'stopping';
  readonly config: Config;
  /** In file order; tunnels that a reload removed stand last until they are down. */
  readonly tunnels: readonly Tunnel[];
  /** Where each stands in `tunnels`, by name. */
  readonly places: ReadonlyMap<string, number>;
  readonly failover: FailoverState;
  /** Null: ranks decide. */
  readonly preference: Preference | null;
  /** When scores are next looked at. */
  readonly nextCheckAt: Instant;
  /** The first choice of a primary waits so long for tunnels that are still being judged. */
  readonly chooseBy: Instant;
  readonly nextMeasureAt: Instant;
  readonly route: RouteState;
  readonly upkeep: Upkeep;
  /** No target answers through any tunnel, though their providers do (stand-in.ts). */
  readonly targetsSilent: boolean;
  readonly settled: Settled;
}

export function initialState(config: Config): State {
  return stateInShape({
    phase: 'stopped',
    config,
    ...lineUp(config.tunnels.map(newTunnel)),
    failover: { kind: 'idle' },
    preference: null,
    nextCheckAt: NEVER,
    chooseBy: LONG_AGO,
    nextMeasureAt: NEVER,
    route: {
      desired: NO_ROUTE,
      applied: NO_ROUTE,
      pending: null,
      epoch: 0,
      deadline: NEVER,
      retryAt: LONG_AGO,
      assertAt: NEVER,
      attempt: 0,
    },
    upkeep: NO_UPKEEP,
    targetsSilent: false,
    settled: { whole: false, shared: null, restless: [], wakeAt: LONG_AGO, decideAt: LONG_AGO },
  });
}

/** The same state, field by field; why: `inShape` in tunnel.ts. */
export function stateInShape(state: State): State {
  return {
    phase: state.phase,
    config: state.config,
    tunnels: state.tunnels,
    places: state.places,
    failover: state.failover,
    preference: state.preference,
    nextCheckAt: state.nextCheckAt,
    chooseBy: state.chooseBy,
    nextMeasureAt: state.nextMeasureAt,
    route: state.route,
    upkeep: state.upkeep,
    targetsSilent: state.targetsSilent,
    settled: state.settled,
  };
}

/** Those tunnels in that order. Whatever changes who stands where goes through here. */
export function lineUp(tunnels: readonly Tunnel[]): Pick<State, 'tunnels' | 'places'> {
  return { tunnels, places: new Map(tunnels.map((t, i) => [t.config.name, i])) };
}

export function tunnelNamed(state: State, name: string): Tunnel | null {
  return state.tunnels[state.places.get(name) ?? -1] ?? null;
}

/** Where the second line-up has another tunnel than the first. */
export function changedAt(before: readonly Tunnel[], after: readonly Tunnel[]): readonly number[] {
  if (compared.before === before && compared.after === after) return compared.changed;
  const changed: number[] = [];
  for (let i = 0; i < after.length; i += 1) if (after[i] !== before[i]) changed.push(i);
  compared = { before, after, changed };
  return changed;
}

/**
 * The last answer of `changedAt`. Every step asks up to four times about the same two line-ups, most often made by
 * `replaced`, which knows the answer; to look for it among a thousand tunnels takes a microsecond each time.
 */
let compared: {
  readonly before: readonly Tunnel[];
  readonly after: readonly Tunnel[];
  readonly changed: readonly number[];
} = { before: [], after: [], changed: [] };

/** That tunnel in the place of its namesake. */
export function replaced(state: State, tunnel: Tunnel): State {
  const at = state.places.get(tunnel.config.name);
  if (at === undefined || state.tunnels[at] === tunnel) return state;
  const tunnels = state.tunnels.slice();
  tunnels[at] = inShape(tunnel);
  compared = { before: state.tunnels, after: tunnels, changed: [at] };
  return { ...state, tunnels };
}

export function primaryOf(state: State): Tunnel | null {
  if (state.failover.kind === 'idle') return null;
  return tunnelNamed(state, state.failover.primary);
}

/** While it is, every tunnel must be able to show that it is well. */
export function primaryInDoubt(state: State): boolean {
  const primary = primaryOf(state);
  return primary !== null && primary.state.kind === 'up' && primary.liveness.kind !== 'alive';
}

/** A stop does not wait for ever for a default route that cannot be removed. */
const ROUTE_TRIES_WHILE_STOPPING = 3;

export function routeGivenUp(state: State): boolean {
  return state.phase === 'stopping' && state.route.attempt >= ROUTE_TRIES_WHILE_STOPPING;
}

/** Whether packets may still be leaving through this tunnel by a route of ours. Unknown counts as yes. */
export function carriesRoute(state: State, tunnel: Tunnel): boolean {
  if (routeGivenUp(state)) return false;
  const { applied, pending } = state.route;
  const iface = ifaceOf(tunnel);
  return applied === null || names(applied, iface) || (pending !== null && names(pending, iface));
}

function names(plan: RoutePlan, iface: string): boolean {
  return plan.via?.iface === iface || plan.standbys.some((hop) => hop.iface === iface);
}

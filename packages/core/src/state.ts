import type { Config } from './config/model.js';
import { NO_ROUTE, type RoutePlan } from './facts.js';
import { ifaceOf, newTunnel, type Tunnel } from './tunnel.js';
import { type Instant, LONG_AGO, NEVER } from './units.js';
import { NO_UPKEEP, type Upkeep } from './upkeep.js';

export type FailoverState =
  /** Nothing fit to carry traffic yet. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'holding'; readonly primary: string; readonly since: Instant }
  /** The primary is sick and there is no backup: said once, not at every check. */
  | { readonly kind: 'stranded'; readonly primary: string; readonly since: Instant };

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
  readonly failover: FailoverState;
  /** When scores are next looked at. */
  readonly nextCheckAt: Instant;
  /** The first choice of a primary waits so long for tunnels that are still being judged. */
  readonly chooseBy: Instant;
  readonly nextMeasureAt: Instant;
  readonly route: RouteState;
  readonly upkeep: Upkeep;
  /** No target answers through any tunnel, though their providers do (stand-in.ts). */
  readonly targetsSilent: boolean;
}

export function initialState(config: Config): State {
  return {
    phase: 'stopped',
    config,
    tunnels: config.tunnels.map(newTunnel),
    failover: { kind: 'idle' },
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
  };
}

export function primaryOf(state: State): Tunnel | null {
  if (state.failover.kind === 'idle') return null;
  const { primary } = state.failover;
  return state.tunnels.find((t) => t.config.name === primary) ?? null;
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

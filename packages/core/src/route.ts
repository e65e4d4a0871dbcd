import type { Emit } from './effects.js';
import { NO_ROUTE, type RouteError, type RouteHop, type RoutePlan } from './facts.js';
import { primaryOf, type RouteState, type State } from './state.js';
import { backoff, isDue, type Tunnel } from './tunnel.js';
import { type Instant, LONG_AGO, type Millis, NEVER } from './units.js';

/** Somebody else may have changed the table meanwhile: it is made to match again so often. */
export const ASSERT_INTERVAL: Millis = 60_000;

/** Keeps the host's default route where the failover wants it. */
export function settleRoute(state: State, now: Instant, emit: Emit): State {
  const plan = desiredPlan(state);
  const changed = !samePlan(plan, state.route.desired);
  // The pause after a failure is for the plan that failed; another one is tried at once.
  const route: RouteState = changed ? { ...state.route, desired: plan, retryAt: LONG_AGO } : state.route;
  const done = route.applied !== null && samePlan(route.applied, route.desired) && now < route.assertAt;
  if (route.pending !== null || done || now < route.retryAt) return changed ? { ...state, route } : state;
  const epoch = route.epoch + 1;
  emit({ type: 'apply_route', plan: route.desired, epoch });
  const deadline = now + state.config.operation.timeout;
  return { ...state, route: { ...route, epoch, pending: route.desired, deadline } };
}

/** Gives up on a change not answered in time. Comes before tunnels are settled: they ask what carries the route. */
export function expireRoute(state: State, now: Instant, emit: Emit): State {
  if (state.route.pending === null || now < state.route.deadline) return state;
  emit({ type: 'abort', scope: 'route' });
  const expired = { ...state, route: { ...state.route, epoch: state.route.epoch + 1 } };
  return routeFailed(expired, { kind: 'aborted' }, now, emit);
}

export function routeWake({ route }: State): Instant {
  if (route.pending !== null) return route.deadline;
  const done = route.applied !== null && samePlan(route.applied, route.desired);
  return done ? route.assertAt : route.retryAt === LONG_AGO ? NEVER : route.retryAt;
}

export function routeApplied(state: State, now: Instant): State {
  const applied = state.route.pending;
  const assertAt = applied === null || applied.via === null ? NEVER : now + ASSERT_INTERVAL;
  const route = { ...state.route, applied, pending: null, deadline: NEVER, retryAt: LONG_AGO, assertAt, attempt: 0 };
  return { ...state, route };
}

/** A failed change may have half happened, so from here on nothing is known about the table. */
export function routeFailed(state: State, error: RouteError, now: Instant, emit: Emit): State {
  const route = afterFailure(state, now);
  if (route.attempt === 1)
    emit({ type: 'announce', news: { type: 'route_failed', fault: error, retryIn: route.retryAt - now } });
  return { ...state, route };
}

function afterFailure(state: State, now: Instant): RouteState {
  const attempt = state.route.attempt + 1;
  return {
    ...state.route,
    applied: null,
    pending: null,
    deadline: NEVER,
    attempt,
    retryAt: now + backoff(attempt, state.config),
  };
}

/**
 * The primary, then every other tunnel something still comes back through, in the user's order. The
 * scores do not enter into that order, so that measuring alone never touches the host. A primary whose
 * interface has gone is passed over, as the kernel itself would do.
 */
function desiredPlan(state: State): RoutePlan {
  const primary = primaryOf(state);
  if (state.phase !== 'running' || primary === null) return NO_ROUTE;
  const others = state.tunnels.filter((t) => t !== primary && isDue(t, state) && t.state.kind === 'up' && answers(t));
  others.sort((a, b) => a.config.priority - b.config.priority);
  const first = primary.state.kind === 'up' && isDue(primary, state) ? [primary] : [];
  const [via, ...standbys] = [...first, ...others].map(hopOf);
  return via === undefined ? NO_ROUTE : { via, standbys };
}

function answers(t: Tunnel): boolean {
  return t.liveness.kind === 'alive' || t.liveness.kind === 'suspect';
}

function hopOf(t: Tunnel): RouteHop {
  return { iface: t.config.iface, source: t.reading?.address ?? null, gateway: t.reading?.gateway ?? null };
}

function samePlan(a: RoutePlan, b: RoutePlan): boolean {
  if (a.standbys.length !== b.standbys.length) return false;
  const same = (x: RouteHop | null, y: RouteHop | null): boolean =>
    x?.iface === y?.iface && x?.source === y?.source && x?.gateway === y?.gateway;
  return same(a.via, b.via) && a.standbys.every((hop, i) => same(hop, b.standbys[i] ?? null));
}

import type { RouteHop, RoutePlan } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { isOurs, MAIN_TABLE, type Route, routeCommand } from './ip.js';
import { sameAddress } from './prefix.js';

/** Between the managed default and the standbys behind it. */
const STANDBY_STEP = 10;

/** How far below its metric the managed default may go to get out of the way of somebody else's. */
export const DODGES_AT_MOST = 16;

type OurRoute = Omit<Route, 'protocol'>;

/** What brings the default routes to what a plan asks for. */
export interface DefaultChanges {
  /** New routes come before old ones go. Empty when there is nothing to do. */
  readonly commands: readonly (readonly string[])[];
  /** What becomes right by it, a phrase each. */
  readonly restored: readonly string[];
  /** Somebody else's route at the metric that ours would have; null when ours has it. */
  readonly dodged: Route | null;
}

/** Somebody else's default routes sit wherever ours could go. */
export interface Occupied {
  readonly wanted: readonly string[];
  readonly by: Route;
}

/** The changes that bring `found`, the defaults of the main table, to what `plan` asks for. */
export function defaultChanges(
  plan: RoutePlan,
  metric: number,
  found: readonly Route[],
): Result<DefaultChanges, Occupied> {
  const foreign = found.filter((route) => !isOurs(route));
  const ours = found.filter(isOurs);
  const first = firstMetric(metric, foreign);
  const wanted = wantedRoutes(plan, { metric, first }, foreign);
  const missing = wanted.filter((want) => !ours.some((is) => sameRoute(is, want)));
  for (const want of missing) {
    // `ip route replace` would put ours in its place.
    const by = foreign.find((route) => route.metric === want.metric);
    if (by !== undefined) return err({ wanted: routeCommand('replace', want), by });
  }
  // Of several with one metric, `replace` changes any: what is left over shows at the next look.
  const stale = ours.filter((is) => !wanted.some((want) => want.metric === is.metric && isTakenOver(is, want, ours)));
  return ok({
    commands: [
      ...missing.map((want) => routeCommand('replace', want)),
      ...stale.map((route) => routeCommand('del', route)),
    ],
    restored: [...missing.map((route) => describe(route)), ...stale.map((route) => `no ${describe(route)}`)],
    dodged: plan.via === null || first === metric ? null : (foreign.find((route) => route.metric === metric) ?? null),
  });
}

/**
 * The metric itself, or the next smaller one that nobody else uses. Beside a route of equal metric it
 * would be the kernel that chooses, by what it knows of neighbours (fib6_select_default, find_rr_leaf).
 */
function firstMetric(metric: number, foreign: readonly Route[]): number {
  const isFree = (candidate: number): boolean => foreign.every((route) => route.metric !== candidate);
  for (let candidate = metric; candidate > Math.max(0, metric - DODGES_AT_MOST); candidate -= 1) {
    if (isFree(candidate)) return candidate;
  }
  return metric;
}

/** `is` stays because it is right, or goes by being replaced: it is the only one there. */
function isTakenOver(is: Route, want: OurRoute, ours: readonly Route[]): boolean {
  return sameRoute(is, want) || ours.filter((other) => other.metric === is.metric).length === 1;
}

function wantedRoutes(
  plan: RoutePlan,
  { metric, first }: { readonly metric: number; readonly first: number },
  foreign: readonly Route[],
): readonly OurRoute[] {
  if (plan.via === null) return [];
  const routes: OurRoute[] = [routeFor(plan.via, first)];
  let next = metric + STANDBY_STEP;
  for (const hop of plan.standbys) {
    if (routes.some((route) => route.iface === hop.iface)) continue;
    // Where a standby stands does not matter, as long as they keep their order.
    while (foreign.some((route) => route.metric === next)) next += STANDBY_STEP;
    routes.push(routeFor(hop, next));
    next += STANDBY_STEP;
  }
  return routes;
}

const routeFor = (hop: RouteHop, metric: number): OurRoute => ({
  type: 'unicast',
  destination: 'default',
  iface: hop.iface,
  gateway: hop.gateway,
  source: hop.source,
  table: MAIN_TABLE,
  metric,
});

const describe = ({ iface, metric }: OurRoute): string => `default route via ${iface} (metric ${metric})`;

const sameRoute = (is: OurRoute, want: OurRoute): boolean =>
  is.type === want.type &&
  is.metric === want.metric &&
  is.iface === want.iface &&
  sameAddress(is.gateway, want.gateway) &&
  sameAddress(is.source, want.source);

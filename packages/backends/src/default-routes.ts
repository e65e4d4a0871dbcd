import type { RouteHop, RoutePlan } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { isOurs, MAIN_TABLE, type Route, routeCommand } from './ip.js';
import { sameAddress } from './prefix.js';

/** Between the managed default and the standbys behind it. */
const STANDBY_STEP = 10;

type OurRoute = Omit<Route, 'protocol'>;

/** Somebody else's default route sits exactly where ours would have to go. */
export interface Occupied {
  readonly wanted: readonly string[];
  readonly by: Route;
}

/**
 * The route commands that bring `found`, the defaults of the main table, to what `plan` asks for.
 * New ones come before old ones go. Empty when there is nothing to do.
 */
export function defaultChanges(
  plan: RoutePlan,
  metric: number,
  found: readonly Route[],
): Result<readonly (readonly string[])[], Occupied> {
  const foreign = found.filter((route) => !isOurs(route));
  const ours = found.filter(isOurs);
  const wanted = wantedRoutes(plan, metric, foreign);
  const missing = wanted.filter((want) => !ours.some((is) => sameRoute(is, want)));
  for (const want of missing) {
    // `ip route replace` would put ours in its place.
    const by = foreign.find((route) => route.metric === want.metric);
    if (by !== undefined) return err({ wanted: routeCommand('replace', want), by });
  }
  // Of several with one metric, `replace` changes any: what is left over shows at the next look.
  const stale = ours.filter((is) => !wanted.some((want) => want.metric === is.metric && isTakenOver(is, want, ours)));
  return ok([
    ...missing.map((want) => routeCommand('replace', want)),
    ...stale.map((route) => routeCommand('del', route)),
  ]);
}

/** `is` stays because it is right, or goes by being replaced: it is the only one there. */
function isTakenOver(is: Route, want: OurRoute, ours: readonly Route[]): boolean {
  return sameRoute(is, want) || ours.filter((other) => other.metric === is.metric).length === 1;
}

function wantedRoutes(plan: RoutePlan, metric: number, foreign: readonly Route[]): readonly OurRoute[] {
  if (plan.via === null) return [];
  const routes: OurRoute[] = [routeFor(plan.via, metric)];
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

const sameRoute = (is: OurRoute, want: OurRoute): boolean =>
  is.type === want.type &&
  is.metric === want.metric &&
  is.iface === want.iface &&
  sameAddress(is.gateway, want.gateway) &&
  sameAddress(is.source, want.source);

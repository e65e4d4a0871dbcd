import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { RouteTable } from '../contracts.js';
import { NO_ROUTE, type RouteError, type RoutePlan } from '../facts.js';
import { abortOf, sleep } from './sleep.js';
import type { World } from './world.js';

/** The world's default routes, with the world's faults. */
export function simulatedRoutes(world: World): RouteTable {
  return {
    apply: (plan, signal) => new ResultAsync(apply(world, plan, signal)),
    verify: (plan, signal) => {
      const before = JSON.stringify(world.plan);
      const changed = (): boolean => JSON.stringify(world.plan) !== before;
      return new ResultAsync(apply(world, plan, signal)).map(() => (changed() ? ['default routes'] : []));
    },
  };
}

async function apply(world: World, plan: RoutePlan, signal: AbortSignal): Promise<Result<void, RouteError>> {
  const { prng, clock } = world;
  const { routeFails, routeHangs, halfHappens, operationTime } = world.faults;
  const fails = prng.chance(routeFails);
  const half = prng.chance(halfHappens);
  const length = prng.between(...operationTime);
  if (world.applying) world.overlaps += 1;
  world.applying = true;
  if (prng.chance(routeHangs)) await abortOf(signal);
  else await sleep(clock, length, 'route', signal);
  world.applying = false;
  if (signal.aborted || fails) {
    // Half a change: the old routes are gone and of the new ones there is the first at most.
    if (half) world.plan = prng.chance(0.5) ? NO_ROUTE : { via: plan.via, standbys: [] };
    return err(signal.aborted ? { kind: 'aborted' } : { kind: 'not_permitted', operation: 'change routes' });
  }
  const missing = [plan.via, ...plan.standbys].find((hop) => hop !== null && !world.link(hop.iface).present);
  if (missing != null) return err({ kind: 'interface_missing', iface: missing.iface });
  world.plan = plan;
  return ok(undefined);
}

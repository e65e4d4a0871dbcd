import {
  type IpCommand,
  isOurs,
  LAST_METRIC,
  type OurRule,
  type Route,
  type Rule,
  routeCommand,
  ruleCommand,
} from './ip.js';
import { describeRule, type RulePlaces } from './policy-order.js';
import { prefixKey, sameAddress } from './prefix.js';
import type { Sighting, Slot } from './slots.js';

/** What a tunnel's policy routing is for. */
export interface PolicyTarget {
  readonly iface: string;
  readonly address: string;
  /** 1 to 128: packets from this much of the address use the tunnel. */
  readonly prefixLength: number;
  /** Next hop; null on interfaces without neighbours. */
  readonly gateway: string | null;
}

/** What it takes to make a tunnel's rules and table right. */
export interface PolicyChanges {
  /** In order; each safe to repeat. */
  readonly puts: readonly IpCommand[];
  /** What has to go, once all of `puts` is done: before, it may be all that our packets have. */
  readonly takes: readonly IpCommand[];
  /** What becomes right by it, a phrase each. */
  readonly restored: readonly string[];
  /** Whether rules that are there go to another place. */
  readonly moves: boolean;
}

/** Metric of the routes in a tunnel's table: what `ip` gives a route that names none. */
const METRIC = 1_024;

type OurRoute = Omit<Route, 'protocol'>;

/** What brings the tunnel's rules and table from what they are to what they should be. */
export function policyChanges(target: PolicyTarget, slot: Slot, places: RulePlaces, seen: Sighting): PolicyChanges {
  const wanted = rulesFor(target, slot.table, places);
  const wantedRoutes = routesFor(target, slot);
  const inTable = rulesIn(slot.table, seen.rules);
  const ours = seen.ours.filter((route) => route.table === slot.table);
  const isPlaced = (want: OurRule): boolean => inTable.some((is) => samePlace(is, want));
  const missing = wantedRoutes.filter((want) => !ours.some((is) => sameRoute(is, want)));
  const staleRules = inTable.filter((is) => !wanted.some((want) => samePlace(is, want)));
  const staleRoutes = ours.filter((is) => !wantedRoutes.some((want) => sameSlot(is, want)));
  const [oif, from] = wanted;
  const addRule = (rule: OurRule): readonly IpCommand[] => (isPlaced(rule) ? [] : [ruleCommand('add', rule)]);
  const moved = wanted.filter((want) => !isPlaced(want) && inTable.some((is) => sameSelection(is, want)));
  const lost = wanted.filter((want) => !inTable.some((is) => sameSelection(is, want)));
  const strangers = staleRules.filter((is) => !wanted.some((want) => sameSelection(is, want)));
  return {
    puts: [
      // First, because it records whose table this is: whatever happens next, the table can be found again.
      ...addRule(oif),
      ...missing.map((want) => routeCommand('replace', want)),
      // Last, because from here on packets rely on the table.
      ...addRule(from),
      // Without the guard they may have gone on to main, and a connected socket remembers that for good.
      ...(missing.some(isGuard) && isPlaced(from) ? lookAgain(from, oif, inTable) : []),
    ],
    takes: [...staleRules.map((is) => ruleCommand('del', is)), ...staleRoutes.map((is) => routeCommand('del', is))],
    restored: [
      ...lost.map(describeOurRule),
      ...(moved.length === 0 ? [] : [describeMove(target.iface, places)]),
      ...missing.map(describeRoute),
      ...strangers.map((is) => `no ${describeOurRule(is)}`),
      ...staleRoutes.map((is) => `no ${describeRoute(is)}`),
    ],
    moves: moved.length > 0,
  };
}

/** The commands that leave the tunnel's packets nowhere to go until its table has routes. Already so: none. */
export function policyHold(target: PolicyTarget, slot: Slot, places: RulePlaces, seen: Sighting): readonly IpCommand[] {
  const inTable = rulesIn(slot.table, seen.rules);
  const [oif, from] = rulesFor(target, slot.table, places);
  const addRule = (rule: OurRule): readonly IpCommand[] =>
    inTable.some((is) => sameSelection(is, rule)) ? [] : [ruleCommand('add', rule)];
  const guards = routesFor(target, slot).filter(isGuard);
  const missing = guards.filter((want) => !seen.ours.some((is) => is.table === slot.table && sameRoute(is, want)));
  return [...addRule(oif), ...missing.map((want) => routeCommand('replace', want)), ...addRule(from)];
}

/**
 * Has every socket look for its route anew: any change of rules does (fib6_rule_flush_cache, Linux 6.9 and
 * long-term kernels of 2024), no change of routes in another table than the one it found. The rule is in our
 * table and says nothing that the two others do not: one that was left behind does no harm, and goes as stale
 * in a moment.
 */
function lookAgain(from: OurRule, oif: OurRule, inTable: readonly Rule[]): readonly IpCommand[] {
  const both: OurRule = { ...from, oif: oif.oif };
  return inTable.some((is) => samePlace(is, both)) ? [] : [ruleCommand('add', both), ruleCommand('del', both)];
}

/** The commands that take all of ours out of a table, the rule that records its owner last. */
export function policyRemovals(iface: string, table: number, seen: Sighting): readonly IpCommand[] {
  const inTable = rulesIn(table, seen.rules);
  const isRecord = (rule: Rule): boolean => rule.oif === iface;
  return [
    ...inTable.filter((rule) => !isRecord(rule)).map((rule) => ruleCommand('del', rule)),
    // One by one: `ip -6 route flush` silently leaves an unreachable default of the last metric (iproute.c).
    ...seen.ours.filter((route) => route.table === table).map((route) => routeCommand('del', route)),
    ...inTable.filter(isRecord).map((rule) => ruleCommand('del', rule)),
  ];
}

/** Where the tunnel's rules stand at the moment; one that is missing, beside the other. */
export function presentPlaces(target: PolicyTarget, slot: Slot, seen: Sighting): RulePlaces {
  const wanted = rulesFor(target, slot.table, { ...slot, aheadOf: null });
  const [oif, from] = wanted.map((want) => rulesIn(slot.table, seen.rules).find((is) => sameSelection(is, want)));
  return {
    fromPref: from?.pref ?? oif?.pref ?? slot.fromPref,
    oifPref: oif?.pref ?? from?.pref ?? slot.oifPref,
    aheadOf: null,
  };
}

const rulesIn = (table: number, rules: readonly Rule[]): readonly Rule[] =>
  rules.filter((rule) => isOurs(rule) && rule.table === table);

function rulesFor(target: PolicyTarget, table: number, places: RulePlaces): readonly [OurRule, OurRule] {
  const { iface, address, prefixLength } = target;
  return [
    // Makes sockets bound to the interface work (SO_BINDTODEVICE, `ping -I`).
    { pref: places.oifPref, from: null, oif: iface, table },
    { pref: places.fromPref, from: `${address}/${prefixLength}`, oif: null, table },
  ];
}

function routesFor(target: PolicyTarget, slot: Slot): readonly OurRoute[] {
  const { iface, address, prefixLength, gateway } = target;
  const base = { type: 'unicast', iface, gateway: null, source: null, table: slot.table, metric: METRIC } as const;
  return [
    // Without this copy the guard would also stop replies to neighbours on the tunnel's own link.
    ...(prefixLength < 128 ? [{ ...base, destination: `${address}/${prefixLength}` }] : []),
    // When the interface goes, its routes go with it: packets must then stop here, not leave by another tunnel.
    { ...base, type: 'unreachable', destination: 'default', iface: null, metric: LAST_METRIC },
    { ...base, destination: 'default', gateway },
  ];
}

const isGuard = (route: OurRoute): boolean => route.type === 'unreachable';

const samePlace = (is: OurRule, want: OurRule): boolean => is.pref === want.pref && sameSelection(is, want);

function sameSelection(is: OurRule, want: OurRule): boolean {
  if (is.oif !== want.oif || is.table !== want.table) return false;
  if (is.from === null || want.from === null) return is.from === want.from;
  return prefixKey(is.from) === prefixKey(want.from);
}

/** Whether one would replace the other: the kernel tells routes apart by table, destination and metric. */
const sameSlot = (is: OurRoute, want: OurRoute): boolean =>
  is.metric === want.metric &&
  prefixKey(is.destination) === prefixKey(want.destination) &&
  (isGuard(want) || is.iface === want.iface);

const sameRoute = (is: OurRoute, want: OurRoute): boolean =>
  sameSlot(is, want) && is.type === want.type && sameAddress(is.gateway, want.gateway);

const describeOurRule = (rule: OurRule): string =>
  `rule ${rule.oif === null ? `from ${rule.from}` : `oif ${rule.oif}`}`;

const describeMove = (iface: string, { fromPref, aheadOf }: RulePlaces): string =>
  aheadOf === null
    ? `rules of ${iface} at preference ${fromPref} again`
    : `rules of ${iface} at preference ${fromPref}, ahead of somebody else's ${describeRule(aheadOf)}`;

const describeRoute = (route: OurRoute): string =>
  isGuard(route) ? `guard route of table ${route.table}` : `route to ${route.destination} in table ${route.table}`;

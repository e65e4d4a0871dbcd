import { isOurs, LAST_METRIC, type Route, type Rule, routeArgv, ruleArgv } from './ip.js';
import { prefixKey, sameAddress } from './prefix.js';
import type { Slot } from './slots.js';

/** What a tunnel's policy routing is for. */
export interface PolicyTarget {
  readonly iface: string;
  readonly address: string;
  /** 1 to 128: packets from this much of the address use the tunnel. */
  readonly prefixLength: number;
  /** Next hop; null on interfaces without neighbours. */
  readonly gateway: string | null;
}

/** Metric of the routes in a tunnel's table: what `ip` gives a route that names none. */
const METRIC = 1_024;

type OurRule = Omit<Rule, 'protocol'>;
type OurRoute = Omit<Route, 'protocol'>;

/** The `ip` commands that bring the tunnel's rules and table from what they are to what they should be. */
export function policyChanges(
  target: PolicyTarget,
  slot: Slot,
  rules: readonly Rule[],
  routes: readonly Route[],
): readonly (readonly string[])[] {
  const { oif, from } = rulesFor(target, slot);
  const wantedRoutes = routesFor(target, slot);
  const inTable = rules.filter((rule) => isOurs(rule) && rule.table === slot.table);
  const ours = routes.filter(isOurs);
  const addRule = (rule: OurRule): readonly (readonly string[])[] =>
    inTable.some((is) => sameRule(is, rule)) ? [] : [ruleArgv('add', rule)];
  return [
    // First, because it records whose table this is: whatever happens next, the table can be found again.
    ...addRule(oif),
    ...wantedRoutes.filter((want) => !ours.some((is) => sameRoute(is, want))).map((want) => routeArgv('replace', want)),
    // Last, because from here on packets rely on the table.
    ...addRule(from),
    ...inTable.filter((is) => ![oif, from].some((want) => sameRule(is, want))).map((is) => ruleArgv('del', is)),
    ...ours.filter((is) => !wantedRoutes.some((want) => sameSlot(is, want))).map((is) => routeArgv('del', is)),
  ];
}

/** The commands that take all of ours out of a table, the rule that records its owner last. */
export function policyRemovals(
  iface: string,
  table: number,
  rules: readonly Rule[],
  routes: readonly Route[],
): readonly (readonly string[])[] {
  const inTable = rules.filter((rule) => isOurs(rule) && rule.table === table);
  const isRecord = (rule: Rule): boolean => rule.oif === iface;
  return [
    ...inTable.filter((rule) => !isRecord(rule)).map((rule) => ruleArgv('del', rule)),
    // One by one: `ip -6 route flush` silently leaves an unreachable default of the last metric (iproute.c).
    ...routes.filter(isOurs).map((route) => routeArgv('del', route)),
    ...inTable.filter(isRecord).map((rule) => ruleArgv('del', rule)),
  ];
}

function rulesFor(target: PolicyTarget, slot: Slot): { readonly oif: OurRule; readonly from: OurRule } {
  const { iface, address, prefixLength } = target;
  return {
    // Makes sockets bound to the interface work (SO_BINDTODEVICE, `ping -I`).
    oif: { pref: slot.oifPref, from: null, oif: iface, table: slot.table },
    from: { pref: slot.fromPref, from: `${address}/${prefixLength}`, oif: null, table: slot.table },
  };
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

function sameRule(is: OurRule, want: OurRule): boolean {
  if (is.pref !== want.pref || is.oif !== want.oif || is.table !== want.table) return false;
  if (is.from === null || want.from === null) return is.from === want.from;
  return prefixKey(is.from) === prefixKey(want.from);
}

/** Whether one would replace the other: the kernel tells routes apart by table, destination and metric. */
const sameSlot = (is: OurRoute, want: OurRoute): boolean =>
  is.metric === want.metric &&
  prefixKey(is.destination) === prefixKey(want.destination) &&
  (want.type === 'unreachable' || is.iface === want.iface);

const sameRoute = (is: OurRoute, want: OurRoute): boolean =>
  sameSlot(is, want) && is.type === want.type && sameAddress(is.gateway, want.gateway);

import type { DriverError, RoutingPolicy } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { isOurs, MAIN_RULE_PREF, MAIN_TABLE, type Route, type Rule } from './ip.js';

/** Tunnels that can have a routing table of their own at a time: as many as a configuration may have. */
export const SLOTS = 256;

/** Rules per slot: one by interface, one by source address. */
const RULES_PER_SLOT = 2;

/** `default`, `main` and `local` (rtnetlink.h). */
const KERNEL_TABLES = [253, 254, 255];

/** A tunnel's place on the host: its routing table and where its rules belong. */
export interface Slot {
  readonly table: number;
  /** Preferences; others' rules may force ours to another place (policy-order.ts). */
  readonly fromPref: number;
  readonly oifPref: number;
}

/** All of ours that is on the host, and the rules of others. */
export interface Sighting {
  readonly rules: readonly Rule[];
  /** Ours only, of every table. */
  readonly ours: readonly Route[];
}

/**
 * Which tunnel has which slot. The host remembers it, in the rule and in the routes that name the
 * interface: so slots survive reloads and crashes, and rules may move. What is being set up and not
 * yet on the host is held here.
 */
export class Slots {
  readonly #routing: RoutingPolicy;
  readonly #held = new Map<string, number>();

  constructor(routing: RoutingPolicy) {
    this.#routing = routing;
  }

  /** The slot `iface` has, or the lowest free one, which it then holds. `avoid`: tables that others use. */
  take(iface: string, seen: Sighting, avoid: ReadonlySet<number>): Result<Slot, DriverError> {
    const index = this.#indexOf(iface, seen, avoid) ?? this.#lowestFree(seen, avoid);
    if (index === null) {
      const { tableBase } = this.#routing;
      const range = `${tableBase} to ${tableBase + SLOTS - 1}`;
      return err({ kind: 'unsupported', what: `no routing table is free among ${range}: choose another "table_base"` });
    }
    this.#held.set(iface, index);
    return ok(this.#slot(index));
  }

  release(iface: string): void {
    this.#held.delete(iface);
  }

  /** The table `iface` holds; null when it holds none. */
  tableOf(iface: string): number | null {
    const index = this.#held.get(iface);
    return index === undefined ? null : this.#slot(index).table;
  }

  #indexOf(iface: string, seen: Sighting, avoid: ReadonlySet<number>): number | null {
    const anchored = tablesOf(iface, seen)
      .map((table) => table - this.#routing.tableBase)
      .find((index) => this.#inRange(index) && this.#holderOf(index, iface) === null);
    const index = anchored ?? this.#held.get(iface);
    return index === undefined || avoid.has(this.#slot(index).table) ? null : index;
  }

  #lowestFree(seen: Sighting, avoid: ReadonlySet<number>): number | null {
    for (let index = 0; index < SLOTS; index += 1) {
      const slot = this.#slot(index);
      const isTaken = isInUse(slot, seen) || avoid.has(slot.table) || this.#holderOf(index, null) !== null;
      if (this.#inRange(index) && !isTaken) return index;
    }
    return null;
  }

  /** Who but `except` holds slot `index`. */
  #holderOf(index: number, except: string | null): string | null {
    for (const [iface, held] of this.#held) if (held === index && iface !== except) return iface;
    return null;
  }

  #inRange(index: number): boolean {
    const { table, oifPref } = this.#slot(index);
    return index >= 0 && index < SLOTS && !KERNEL_TABLES.includes(table) && oifPref < MAIN_RULE_PREF;
  }

  #slot(index: number): Slot {
    const pref = this.#routing.ruleBase + RULES_PER_SLOT * index;
    return { table: this.#routing.tableBase + index, fromPref: pref, oifPref: pref + 1 };
  }
}

const isInUse = ({ table, fromPref, oifPref }: Slot, { rules, ours }: Sighting): boolean =>
  rules.some((rule) => rule.table === table || rule.pref === fromPref || rule.pref === oifPref) ||
  ours.some((route) => route.table === table && isAnchor(route));

/** Tables that are `iface`'s: a rule or a route of ours there names it. */
export const tablesOf = (iface: string, { rules, ours }: Sighting): readonly number[] => [
  ...new Set([
    ...rules.flatMap((rule) => (isOurs(rule) && rule.oif === iface && rule.table !== null ? [rule.table] : [])),
    ...ours.flatMap((route) => (isAnchor(route) && route.iface === iface ? [route.table] : [])),
  ]),
];

/** Whether a route of ours says whose its table is. The guard, which outlives interfaces, does not. */
export const isAnchor = (route: Route): boolean => route.table !== MAIN_TABLE && route.type === 'unicast';

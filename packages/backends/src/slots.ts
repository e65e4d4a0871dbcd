import type { DriverError, RoutingPolicy } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { isOurs, MAIN_RULE_PREF, type Rule } from './ip.js';

/** Tunnels that can have a routing table of their own at a time: as many as a configuration may have. */
export const SLOTS = 256;

/** Rules per slot: one by interface, one by source address. */
const RULES_PER_SLOT = 2;

/** `default`, `main` and `local` (rtnetlink.h). */
const KERNEL_TABLES = [253, 254, 255];

/** A tunnel's place on the host: its routing table and the preferences of its rules. */
export interface Slot {
  readonly table: number;
  readonly fromPref: number;
  readonly oifPref: number;
}

/**
 * Which tunnel has which slot. The host remembers it, in the rule that names the interface: so slots
 * survive reloads and crashes. What is being set up and not yet on the host is held here.
 */
export class Slots {
  readonly #routing: RoutingPolicy;
  readonly #held = new Map<string, number>();

  constructor(routing: RoutingPolicy) {
    this.#routing = routing;
  }

  /** The slot `iface` has, or the lowest free one, which it then holds. `avoid`: tables that others use. */
  take(iface: string, rules: readonly Rule[], avoid: ReadonlySet<number>): Result<Slot, DriverError> {
    const index = this.#indexOf(iface, rules, avoid) ?? this.#lowestFree(rules, avoid);
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

  #indexOf(iface: string, rules: readonly Rule[], avoid: ReadonlySet<number>): number | null {
    const anchored = tablesOf(iface, rules)
      .map((table) => table - this.#routing.tableBase)
      .find((index) => this.#inRange(index) && this.#holderOf(index, iface) === null);
    const index = anchored ?? this.#held.get(iface);
    return index === undefined || avoid.has(this.#slot(index).table) ? null : index;
  }

  #lowestFree(rules: readonly Rule[], avoid: ReadonlySet<number>): number | null {
    for (let index = 0; index < SLOTS; index += 1) {
      const { table, fromPref, oifPref } = this.#slot(index);
      const used = rules.some((rule) => rule.table === table || rule.pref === fromPref || rule.pref === oifPref);
      if (used || avoid.has(table) || !this.#inRange(index) || this.#holderOf(index, null) !== null) continue;
      return index;
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

/** Tables that rules of ours give to `iface`. */
export const tablesOf = (iface: string, rules: readonly Rule[]): readonly number[] => [
  ...new Set(rules.flatMap((rule) => (isOurs(rule) && rule.oif === iface && rule.table !== null ? [rule.table] : []))),
];

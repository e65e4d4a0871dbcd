import type { DriverError } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { isOurs, type Rule } from './ip.js';
import { isWithin } from './prefix.js';
import type { Slot } from './slots.js';

/** Where a tunnel's two rules stand among the rules of the host. A smaller number is asked earlier. */
export interface RulePlaces {
  readonly fromPref: number;
  readonly oifPref: number;
  /** The rule of somebody else that ours had to go ahead of; null when they are where they belong. */
  readonly aheadOf: Rule | null;
}

/** RT_TABLE_LOCAL of rtnetlink.h: whatever the rule, it only takes packets to this machine itself. */
const LOCAL_TABLE = 255;

/** Rules of preference 0 are the kernel's, and nothing can be put ahead of them. */
const FIRST_PREF = 1;

/**
 * Where the rules of a tunnel with this prefix have to stand: in their slot, or, when somebody else's
 * rule would take the tunnel's packets before that, right ahead of it. `ip rule add` without a
 * preference, as wg-quick uses it, puts such a rule ahead of all others (fib_rules.c, fib_default_rule_pref).
 */
export function placesFor(slot: Slot, prefix: string, rules: readonly Rule[]): Result<RulePlaces, DriverError> {
  const { fromPref, oifPref } = slot;
  const first = rules
    .filter((rule) => captures(rule, prefix))
    .reduce<Rule | null>((least, rule) => (least === null || rule.pref < least.pref ? rule : least), null);
  if (first === null || Math.max(fromPref, oifPref) < first.pref) return ok({ fromPref, oifPref, aheadOf: null });
  const theirs = new Set(rules.filter((rule) => !isOurs(rule)).map((rule) => rule.pref));
  for (let pref = first.pref - 1; pref >= FIRST_PREF; pref -= 1) {
    // One number for both rules of all tunnels: they never match the same packet with different answers.
    if (!theirs.has(pref)) return ok({ fromPref: pref, oifPref: pref, aheadOf: first });
  }
  const what = `no rule number is free ahead of ${describeRule(first)}, which takes packets from ${prefix}`;
  return err({ kind: 'unsupported', what: `${what}: give that rule a larger preference` });
}

/**
 * Whether `rule` takes packets from `prefix` away from the rules behind it. Rules that only say for
 * which packets they are not, or that only refuse, are somebody's decision and are left in front.
 */
export function captures(rule: Rule, prefix: string): boolean {
  if (isOurs(rule) || rule.table === null || rule.table === LOCAL_TABLE) return false;
  if (rule.isInverted) {
    const isForOthers = rule.isNarrow || rule.oif !== null;
    return isForOthers || (rule.from !== null && !isWithin(prefix, rule.from));
  }
  if (rule.isNarrow || rule.oif !== null) return false;
  return rule.from === null || isWithin(prefix, rule.from) || isWithin(rule.from, prefix);
}

export const describeRule = (rule: Rule): string =>
  `rule ${rule.pref}${rule.from === null ? '' : ` from ${rule.from}`} (lookup ${rule.table})`;

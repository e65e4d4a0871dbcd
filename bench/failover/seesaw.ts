import { configurationFor, type Gatewayd } from '../../test/support/gatewayd.js';
import type { Testbed } from '../../test/support/testbed.js';
import { withGatewayd } from './lab.js';

/** One of the two tunnels of a bed. */
export interface Side {
  /** As the daemon calls it. */
  readonly tunnel: 'a' | 'b';
  readonly iface: string;
  readonly pop: string;
  /** The address that flows through it come from. */
  readonly source: string;
}

/** Two tunnels that take the route from each other: whichever has it loses it next. */
export interface Seesaw {
  readonly gatewayd: Gatewayd;
  /** In the round with that number, from 0. */
  sides(round: number): { readonly primary: Side; readonly backup: Side };
}

/** Nothing goes back by itself, so that no round waits for a fail-back and none adds up flaps. */
const STAY = '[failover]\nfailback = never\n';

/** Runs the daemon over a bed of two PoPs, `a` first. */
export function withSeesaw<T>(bed: Testbed, use: (seesaw: Seesaw) => Promise<T>): Promise<T> {
  const a = sideOf(bed, 'a');
  const b = sideOf(bed, 'b');
  return withGatewayd(bed, configurationFor(bed, STAY), async (gatewayd) => {
    await gatewayd.carriedBy('a');
    const sides: Seesaw['sides'] = (round) => (round % 2 === 0 ? { primary: a, backup: b } : { primary: b, backup: a });
    return use({ gatewayd, sides });
  });
}

function sideOf(bed: Testbed, tunnel: Side['tunnel']): Side {
  const pop = `pop${tunnel.toUpperCase()}`;
  return { tunnel, iface: `he-${tunnel}`, pop, source: bed.pop(pop).tunnel.client };
}

import { configurationFor, type Gatewayd } from '../../test/support/gatewayd.js';
import type { Testbed } from '../../test/support/testbed.js';
import { Journal } from './journal.js';
import type { KernelWatch } from './kernel-watch.js';
import { pause, withGatewayd } from './lab.js';
import { standbyTo } from './routes.js';

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

/** A tunnel that answers again is fit for traffic after a second (`RECOVERY_GRACE`); some more for a slow machine. */
const GRACE_MS = 1_300;

/** Ends a black hole, and waits until the next round can begin. Resolves to how long the daemon took to notice. */
export async function bringBack(bed: Testbed, { gatewayd }: Seesaw, kernel: KernelWatch, side: Side): Promise<number> {
  const journal = new Journal(gatewayd);
  const restored = Date.now();
  await bed.restore(side.pop);
  const noticed = await journal.says(new RegExp(`unnel ${side.tunnel} answers again`));
  await kernel.sees(standbyTo(side.iface), restored);
  await pause(GRACE_MS);
  return noticed - restored;
}

function sideOf(bed: Testbed, tunnel: Side['tunnel']): Side {
  const pop = `pop${tunnel.toUpperCase()}`;
  return { tunnel, iface: `he-${tunnel}`, pop, source: bed.pop(pop).tunnel.client };
}

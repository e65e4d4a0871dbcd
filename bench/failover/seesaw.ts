import type { TunnelView } from '@hurricane/core';
import { FAILOVER_DEFAULTS } from '../../packages/core/src/config/defaults.js';
import { configurationFor, type Gatewayd } from '../../test/support/gatewayd.js';
import type { Testbed } from '../../test/support/testbed.js';
import { waitFor } from '../../test/support/wait-for.js';
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
    await bothFit(gatewayd);
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
  await bothFit(gatewayd);
  await pause(GRACE_MS);
  return noticed - restored;
}

/** Waits until each tunnel is good enough to take over from the other. */
export async function bothFit(gatewayd: Gatewayd): Promise<void> {
  const isFit = ({ liveness, score }: TunnelView): boolean =>
    liveness === 'alive' && (score ?? 0) >= FAILOVER_DEFAULTS.takeAtLeast;
  const look = async (): Promise<boolean> => (await gatewayd.tunnels()).tunnels.every(isFit);
  await waitFor(look, 20_000, 'both tunnels to be fit');
}

function sideOf(bed: Testbed, tunnel: Side['tunnel']): Side {
  const pop = `pop${tunnel.toUpperCase()}`;
  return { tunnel, iface: `he-${tunnel}`, pop, source: bed.pop(pop).tunnel.client };
}

import type { Testbed } from '../../../test/support/testbed.js';
import { Journal } from '../journal.js';
import { KernelWatch } from '../kernel-watch.js';
import { Beacon, LAB_NEEDS, pause, phaseOf, startEcho, withBed } from '../lab.js';
import { defaultTo } from '../routes.js';
import type { Line, Row } from '../row.js';
import { bringBack, type Seesaw, withSeesaw } from '../seesaw.js';

/** Between two flows: the resolution of the figures. */
const BEACON_MS = 5;

interface Cut {
  /** New flows failed for so long. */
  readonly soft: number;
  /** Until the tunnel was called unreachable. */
  readonly hard: number;
  /** From the daemon's decision to the kernel's route. */
  readonly route: number;
  /** From the end of the black hole to the log line that says so. */
  readonly recovery: number;
}

/**
 * A tunnel becomes a black hole with its interface still up. An outage is counted from the first flow
 * that got no echo to the first one that got it through the backup.
 */
export const cuts: Row = {
  name: 'cuts',
  about: 'a black hole: how long new flows fail, when it is called unreachable, how soon it is noticed to be back',
  needs: LAB_NEEDS,
  measure: (effort, say) =>
    withBed({ pops: 2 }, async (bed) => {
      const port = await startEcho(bed);
      const kernel = await KernelWatch.start(bed.client);
      const found = await withSeesaw(bed, async (seesaw) => {
        const results: Cut[] = [];
        for (let n = 0; n < effort.cuts; n += 1) {
          results.push(await cutOnce(bed, seesaw, kernel, port, n));
          say(`cut ${n + 1} of ${effort.cuts}`);
        }
        return results;
      });
      return linesOf(found);
    }),
};

async function cutOnce(bed: Testbed, seesaw: Seesaw, kernel: KernelWatch, port: string, n: number): Promise<Cut> {
  const { primary, backup } = seesaw.sides(n);
  const beacon = await Beacon.start(bed, port, BEACON_MS);
  await pause(phaseOf(n));
  const journal = new Journal(seesaw.gatewayd);
  const before = Date.now();
  await bed.cut(primary.pop);
  const { lastBefore, first } = await beacon.switchTo(backup.source);
  const decided = await journal.says(/^Failing over from/);
  const routed = await kernel.sees(defaultTo(backup.iface), before);
  const hard = await journal.says(new RegExp(`unnel ${primary.tunnel} is unreachable`));
  beacon.stop();

  await pause(phaseOf(2 * n));
  const recovery = await bringBack(bed, seesaw, kernel, primary);
  return {
    soft: first - lastBefore,
    hard: hard - lastBefore,
    route: routed.at - decided,
    recovery,
  };
}

function linesOf(found: readonly Cut[]): readonly Line[] {
  const seconds = (pick: (cut: Cut) => number): readonly number[] => found.map((cut) => pick(cut) / 1000);
  return [
    {
      what: 'black hole → new flows on the backup',
      unit: 's',
      values: seconds((cut) => cut.soft),
      goal: [
        { of: 'p50', atMost: 0.95 },
        { of: 'p99', atMost: 1.2 },
      ],
      anchors:
        'pfSense (dpinger) 15.0 s [M], OpenWrt mwan3 63-124 s [M], gluetun ≤ 180 s [C], mullvad ~20 s [C], ' +
        'tailscale ≤ 6.5 s [C], Cloudflare ~1 s with a fleet [D]; BFD 0.05-0.9 s [D], but needs a peer at the far end',
    },
    {
      what: 'black hole → called unreachable',
      unit: 's',
      values: seconds((cut) => cut.hard),
      goal: [{ of: 'p99', atMost: 2.8 }],
      anchors: 'the others have one stage: as above',
    },
    {
      what: 'decision → route in the kernel, as the daemon does it',
      unit: 'ms',
      values: found.map((cut) => cut.route),
      goal: [{ of: 'p99', atMost: 5 }],
      anchors: 'a spawned `ip` p50 2.8 ms, p99 37 ms [M]',
    },
    {
      what: 'recovery → noticed',
      unit: 's',
      values: seconds((cut) => cut.recovery),
      goal: [{ of: 'max', atMost: 3 }],
      anchors: 'pfSense (dpinger) 57 s [M], mwan3 51 s [M], Cloudflare ≤ 30 min [D]',
    },
  ];
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Testbed } from '../../../test/support/testbed.js';
import { TARGETS } from '../../../test/support/topology.js';
import { KernelWatch } from '../kernel-watch.js';
import { Beacon, LAB_NEEDS, pause, startEcho, withBed } from '../lab.js';
import type { Line, Row } from '../row.js';
import { bringBack, type Seesaw, type Side, withSeesaw } from '../seesaw.js';

/** Between two flows: the resolution of our figure. */
const BEACON_MS = 5;

/** It calls a link up after ten replies, a second apart. */
const UP_LIMIT_MS = 30_000;

/** Seven losses in a row, a second apart, and their time-out. */
const DOWN_LIMIT_MS = 30_000;

interface Cut {
  readonly ours: number;
  readonly theirs: number;
}

/**
 * Debian's link status monitor `lsm` beside ours, in the same cuts of the same tunnel. Its job is the
 * same: it pings through each of several links, and has a script change the routing when one is lost. Its
 * settings are those of its package. What its script would take to move the route is not counted.
 */
export const peer: Row = {
  name: 'peer',
  about: 'the same black holes as Debian’s link monitor lsm notices them, with its own defaults',
  needs: { ...LAB_NEEDS, tools: [...LAB_NEEDS.tools, 'lsm'] },
  measure: (effort, say) =>
    withBed({ pops: 2 }, async (bed) => {
      const folder = await mkdtemp(join(tmpdir(), 'lsm-'));
      try {
        const port = await startEcho(bed);
        const kernel = await KernelWatch.start(bed.client);
        return await withSeesaw(bed, async (seesaw) => {
          const found: Cut[] = [];
          for (let n = 0; n < effort.peerCuts; n += 1) {
            found.push(await cutOnce(bed, seesaw, kernel, { folder, port, n }));
            say(`cut ${n + 1} of ${effort.peerCuts}`);
          }
          return linesOf(found);
        });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }),
};

async function cutOnce(
  bed: Testbed,
  seesaw: Seesaw,
  kernel: KernelWatch,
  { folder, port, n }: { readonly folder: string; readonly port: string; readonly n: number },
): Promise<Cut> {
  const { primary, backup } = seesaw.sides(n);
  const file = await configure(folder, primary);
  const lsm = bed.client.spawn(['lsm', '-f', '-c', file, '-p', join(folder, 'pid')]);
  await lsm.says(/^up /m, UP_LIMIT_MS);
  const beacon = await Beacon.start(bed, port, BEACON_MS);
  // Spread over the cycles of both.
  await pause((n * 370) % 1_000);
  await bed.cut(primary.pop);
  const { lastBefore, first } = await beacon.switchTo(backup.source);
  beacon.stop();
  await lsm.says(/^down /m, DOWN_LIMIT_MS);
  const noticed = Date.now();
  await lsm.stop();
  await bringBack(bed, seesaw, kernel, primary);
  return { ours: (first - lastBefore) / 1000, theirs: (noticed - lastBefore) / 1000 };
}

/** One link to watch; what is not named is as packaged. The script is called with `down` or `up` and the name. */
async function configure(folder: string, { tunnel, iface, source }: Side): Promise<string> {
  const script = join(folder, 'event');
  await writeFile(script, '#!/bin/sh\necho "$1 $2"\n', { mode: 0o700 });
  const file = join(folder, `${tunnel}.conf`);
  const settings = {
    name: tunnel,
    checkip: TARGETS[0],
    sourceip: source,
    device: iface,
    eventscript: script,
    notifyscript: '',
  };
  const lines = Object.entries(settings).map(([key, value]) => `  ${key}=${value}\n`);
  await writeFile(file, `connection {\n${lines.join('')}}\n`);
  return file;
}

function linesOf(found: readonly Cut[]): readonly Line[] {
  const anchors = 'beside: Debian’s lsm, a ping a second, down after 7 lost in a row';
  return [
    {
      what: 'black hole → new flows on the backup, while lsm watches the same tunnel',
      unit: 's',
      values: found.map(({ ours }) => ours),
      goal: [{ of: 'p99', atMost: 1.2 }],
      anchors: '',
    },
    {
      what: 'black hole → noticed by lsm, which then calls a script',
      unit: 's',
      values: found.map(({ theirs }) => theirs),
      goal: [],
      anchors,
    },
    {
      what: 'so many times as long, in the same cut',
      unit: 'times',
      values: found.map(({ ours, theirs }) => theirs / ours),
      goal: [],
      anchors: '',
    },
  ];
}

import type { Testbed } from '../../../test/support/testbed.js';
import { KernelWatch } from '../kernel-watch.js';
import { Beacon, LAB_NEEDS, pause, phaseOf, startEcho, withBed } from '../lab.js';
import { defaultTo, standbyTo } from '../routes.js';
import type { Line, Row } from '../row.js';
import { bothFit, type Seesaw, type Side, withSeesaw } from '../seesaw.js';

/** Between two flows: the resolution of what they see. */
const BEACON_MS = 2;

interface Kind {
  readonly name: string;
  /** In the words of the table. */
  readonly event: string;
  /** For `ip`. */
  readonly command: (side: Side) => string;
}

interface Event {
  /** The longest time without a new flow that comes back. */
  readonly flows: number;
  /** From the kernel's notice to the daemon's own default route. */
  readonly daemon: number;
}

export const interfaceDeleted: Row = rowOf({
  name: 'interface-deleted',
  event: 'interface deleted',
  command: ({ iface }) => `link del ${iface}`,
});

export const interfaceDown: Row = rowOf({
  name: 'interface-down',
  event: 'interface set down',
  command: ({ iface }) => `link set ${iface} down`,
});

function rowOf(kind: Kind): Row {
  return {
    name: kind.name,
    about: `the primary's ${kind.event}: what new flows see, and when the daemon has followed`,
    needs: LAB_NEEDS,
    measure: (effort, say) =>
      withBed({ pops: 2 }, async (bed) => {
        const port = await startEcho(bed);
        const kernel = await KernelWatch.start(bed.client);
        const found = await withSeesaw(bed, async (seesaw) => {
          const results: Event[] = [];
          for (let n = 0; n < effort.linkEvents; n += 1) {
            results.push(await once(kind, bed, seesaw, kernel, port, n));
            say(`${kind.event}, ${n + 1} of ${effort.linkEvents}`);
          }
          return results;
        });
        return linesOf(kind, found);
      }),
  };
}

async function once(
  kind: Kind,
  bed: Testbed,
  seesaw: Seesaw,
  kernel: KernelWatch,
  port: string,
  n: number,
): Promise<Event> {
  const { primary, backup } = seesaw.sides(n);
  const beacon = await Beacon.start(bed, port, BEACON_MS);
  await pause(phaseOf(n));
  const before = Date.now();
  await bed.client.ip(kind.command(primary));
  const gone = await kernel.sees(new RegExp(`${primary.iface}: .* state DOWN`), before);
  const followed = await kernel.sees(defaultTo(backup.iface), before);
  const { lastBefore, first } = await beacon.switchTo(backup.source);
  beacon.stop();

  // The daemon raises it again by itself.
  await kernel.sees(standbyTo(primary.iface), before, 20_000);
  await bothFit(seesaw.gatewayd);
  return { flows: first - lastBefore, daemon: followed.at - gone.at };
}

function linesOf({ event }: Kind, found: readonly Event[]): readonly Line[] {
  return [
    {
      what: `${event} → new flows on the backup, by the kernel's standby route`,
      unit: 'ms',
      values: found.map(({ flows }) => flows),
      goal: [{ of: 'p99', atMost: 50 }],
      anchors: `OPNsense looks once a second [C]; a new flow was tried every ${BEACON_MS} ms`,
    },
    {
      what: `${event} → the daemon's own switch done`,
      unit: 'ms',
      values: found.map(({ daemon }) => daemon),
      goal: [{ of: 'p99', atMost: 50 }],
      anchors: 'as above',
    },
  ];
}

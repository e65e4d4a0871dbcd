import { configurationFor } from '../../../test/support/gatewayd.js';
import { TARGETS } from '../../../test/support/topology.js';
import { Journal } from '../journal.js';
import { KernelWatch } from '../kernel-watch.js';
import { LAB_NEEDS, pause, startEcho, support, withBed, withGatewayd } from '../lab.js';
import { defaultTo } from '../routes.js';
import type { Row } from '../row.js';

const PER_SECOND = 1_000;
const SWITCHES = 9;

/** Between two, so that all of them fall into the ten seconds that 10,000 datagrams take. */
const PAUSE_MS = 1_000;

/** A better tunnel takes the route as soon as it may. */
const AT_ONCE = '[failover]\nfailback_after = 0s\nfailback_at_most = 0s\n';

interface Tally {
  readonly sent: number;
  readonly lost: number;
  readonly errors: Readonly<Record<string, number>>;
}

/** The user exchanges the priorities of two healthy tunnels while datagrams of an unbound socket flow. */
export const healthySwitch: Row = {
  name: 'healthy-switch',
  about: 'datagrams lost when the route moves from one healthy tunnel to another, at 1,000 a second',
  needs: LAB_NEEDS,
  measure: (_effort, say) =>
    withBed({ pops: 2 }, async (bed) => {
      const port = await startEcho(bed);
      const kernel = await KernelWatch.start(bed.client);
      const aFirst = configurationFor(bed, AT_ONCE);
      const bFirst = exchanged(aFirst);
      const { sent, lost, errors } = await withGatewayd(bed, aFirst, async (gatewayd) => {
        await gatewayd.carriedBy('a');
        await pause(PAUSE_MS);
        const stream = bed.client.spawn([
          process.execPath,
          support('datagrams.mjs'),
          TARGETS[0],
          port,
          `${PER_SECOND}`,
        ]);
        await stream.says(/sending/);
        const begun = performance.now();
        for (let n = 0; n < SWITCHES; n += 1) {
          await pause(begun + (n + 1) * PAUSE_MS - performance.now());
          const journal = new Journal(gatewayd);
          const before = Date.now();
          await gatewayd.reload(n % 2 === 0 ? bFirst : aFirst);
          await journal.says(/^Failing back/);
          await kernel.sees(defaultTo(n % 2 === 0 ? 'he-b' : 'he-a'), before);
          say(`switch ${n + 1} of ${SWITCHES}`);
        }
        await pause(begun + (SWITCHES + 1) * PAUSE_MS - performance.now());
        stream.signal('SIGTERM');
        return JSON.parse((await stream.says(/\{.*\}/))[0]) as Tally;
      });
      const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
      return [
        {
          what: `datagrams lost by switches between healthy tunnels, at ${PER_SECOND}/s`,
          unit: 'lost',
          values: [Math.max(lost, failed)],
          goal: [{ of: 'max', atMost: 0 }],
          n: `${sent} datagrams, ${SWITCHES} switches`,
          anchors: 'removing the route before adding it loses 1.3 % in a storm of switches [M]',
        },
      ];
    }),
};

function exchanged(configuration: string): string {
  const other: Readonly<Record<string, string>> = { '0': '1', '1': '0' };
  return configuration.replace(/^priority = ([01])$/gm, (_line, priority: string) => `priority = ${other[priority]}`);
}

import { configurationFor } from '../../../test/support/gatewayd.js';
import { MAX_POPS } from '../../../test/support/topology.js';
import { Journal } from '../journal.js';
import { LAB_NEEDS, pause, withBed, withGatewayd } from '../lab.js';
import type { Row } from '../row.js';

/** Alarms are waited for so long after the primary is chosen; five probes take half a second. */
const WATCH_MS = 2_000;

const ALARM = /has stopped answering|is unreachable|health degraded|^No healthy backup|failed:/;

/** From the start of the process, with no tunnel there, to the log line that names the primary. */
export const coldStart: Row = {
  name: 'cold-start',
  about: `${MAX_POPS} tunnels from nothing: when there is a primary, and whether anything raises an alarm`,
  needs: LAB_NEEDS,
  measure: (effort, say) =>
    withBed({ pops: MAX_POPS }, async (bed) => {
      const configuration = configurationFor(bed);
      const times: number[] = [];
      const alarms: number[] = [];
      for (let n = 0; n < effort.starts; n += 1) {
        const before = Date.now();
        await withGatewayd(bed, configuration, async (gatewayd) => {
          const journal = new Journal(gatewayd, before);
          times.push(((await journal.says(/^Selected primary tunnel: a\b/)) - before) / 1000);
          await pause(WATCH_MS);
          alarms.push(journal.entries().filter(({ text }) => ALARM.test(text)).length);
        });
        say(`start ${n + 1} of ${effort.starts}`);
      }
      return [
        {
          what: `cold start, ${MAX_POPS} tunnels → primary`,
          unit: 's',
          values: times,
          goal: [{ of: 'max', atMost: 3 }],
          anchors: 'OPNsense waits 10 s first [C]',
        },
        {
          what: 'alarms during a cold start',
          unit: 'alarms',
          values: alarms,
          goal: [{ of: 'max', atMost: 0 }],
          anchors: 'dpinger raised one at each of three starts, from a slow first reply [M]',
        },
      ];
    }),
};

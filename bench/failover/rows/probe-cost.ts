import { configurationFor } from '../../../test/support/gatewayd.js';
import type { Testbed } from '../../../test/support/testbed.js';
import { POP_TUNNEL, TARGETS } from '../../../test/support/topology.js';
import { LAB_NEEDS, pause, withBed, withGatewayd } from '../lab.js';
import type { Row } from '../row.js';

/** A tunnel just up is asked more often for some seconds; traffic proves nothing in its first five. */
const SETTLE_MS = 8_000;

const DOWNLOAD_BYTES_PER_SECOND = 100_000;

interface Count {
  readonly packets: number;
  readonly bytes: number;
}

/** Echo requests as the provider's side of each tunnel sees them; whole IPv6 packets. */
export const probeCost: Row = {
  name: 'probe-cost',
  about: 'what probing costs: requests and bytes that leave, of idle tunnels and of one with traffic',
  needs: LAB_NEEDS,
  measure: (effort, say) =>
    withBed({ pops: 2 }, async (bed) => {
      await Promise.all(bed.pops.map(({ name }) => bed.ns(name).nft(COUNTER)));
      const seconds = effort.probeSeconds;
      return withGatewayd(bed, configurationFor(bed), async (gatewayd) => {
        await gatewayd.carriedBy('a');
        await pause(SETTLE_MS);
        say('idle');
        const idle = await countFor(bed, seconds);
        const traffic = await withDownload(bed, seconds, () => {
          say(`with ${DOWNLOAD_BYTES_PER_SECOND / 1000} kB/s`);
          return countFor(bed, seconds);
        });
        const n = `${seconds} s`;
        return [
          {
            what: 'probes of an idle tunnel',
            unit: '/s',
            values: idle.map(({ packets }) => packets / seconds),
            goal: [{ of: 'max', atMost: 2 }],
            n: `2 tunnels, ${n}`,
            anchors: 'pfSense (dpinger) 2/s [C], mwan3 0.4/s, a process each [C]',
          },
          {
            what: 'their bytes, one way',
            unit: 'B/s',
            values: idle.map(({ bytes }) => bytes / seconds),
            goal: [{ of: 'max', atMost: 250 }],
            n: `2 tunnels, ${n}`,
            anchors: '',
          },
          {
            what: `probes of a tunnel that brings in ${DOWNLOAD_BYTES_PER_SECOND / 1000} kB/s`,
            unit: '/s',
            values: traffic.slice(0, 1).map(({ packets }) => packets / seconds),
            goal: [{ of: 'max', atMost: 0.2 }],
            n,
            anchors: 'mullvad none [C]; pfSense as when idle [C]',
          },
        ];
      });
    }),
};

const COUNTER = `
table inet bench {
  counter probes { }
  chain arrive {
    type filter hook prerouting priority raw - 2;
    iifname "${POP_TUNNEL}" icmpv6 type echo-request counter name probes
  }
}
`;

/** What each PoP counts in that time, `a`'s first. */
async function countFor(bed: Testbed, seconds: number): Promise<readonly Count[]> {
  const before = await countsOf(bed);
  await pause(seconds * 1000);
  const after = await countsOf(bed);
  return after.map(({ packets, bytes }, i) => ({
    packets: packets - (before[i]?.packets ?? Number.NaN),
    bytes: bytes - (before[i]?.bytes ?? Number.NaN),
  }));
}

async function countsOf(bed: Testbed): Promise<readonly Count[]> {
  return Promise.all(
    bed.pops.map(async ({ name }) => {
      const text = await bed.ns(name).must(['nft', 'list', 'counter', 'inet', 'bench', 'probes']);
      const [, packets, bytes] = /packets (\d+) bytes (\d+)/.exec(text) ?? [];
      return { packets: Number(packets), bytes: Number(bytes) };
    }),
  );
}

/** Lets a download run through the primary while `use` does. */
async function withDownload<T>(bed: Testbed, seconds: number, use: () => Promise<T>): Promise<T> {
  const server = await bed.serveDownloads();
  const url = server.url(TARGETS[0], DOWNLOAD_BYTES_PER_SECOND * (seconds + 60), DOWNLOAD_BYTES_PER_SECOND);
  const curl = bed.client.spawn(['curl', '-s', '-o', '/dev/null', url]);
  await pause(SETTLE_MS);
  const found = await use();
  if (curl.ended) throw new Error(`the download ended early: ${curl.output}`);
  curl.signal('SIGKILL');
  await server.stop();
  return found;
}

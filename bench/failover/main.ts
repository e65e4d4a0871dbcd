import { fileURLToPath } from 'node:url';
import { configurationFor, Gatewayd } from '../../test/support/gatewayd.js';
import { Testbed } from '../../test/support/testbed.js';
import { TARGETS } from '../../test/support/topology.js';
import { waitFor } from '../../test/support/wait-for.js';
import { figuresOf, tableOf } from '../figures.js';

// How long new flows fail when a tunnel becomes a black hole. Real packets: network namespaces, 6in4, nft drops.
// An outage is counted from the first flow that got no echo to the first one that got it through the backup.

/** Between two flows: the resolution of the figures. */
const BEACON_MS = 5;

/** Between a cut and a fail-back, at least: flaps must not add up over a hundred cuts. */
const FAILOVER = '[failover]\nfailback_after = 1s\nfailback_at_most = 1s\n';

interface Echo {
  readonly sentAt: number;
  readonly source: string;
}

interface Cut {
  readonly soft: number;
  readonly hard: number;
}

async function main(cuts: number): Promise<void> {
  const bed = await Testbed.create({ pops: 2 });
  try {
    const echo = bed.internet.spawn([process.execPath, script('../../test/support/echo-server.mjs'), TARGETS[0]]);
    const port = (await echo.says(/listening on port (\d+)/))[1] ?? '';
    const gatewayd = await Gatewayd.start(bed, configurationFor(bed, FAILOVER), ['--log-format', 'json']);
    await gatewayd.carriedBy('a');
    const results: Cut[] = [];
    for (let n = 0; n < cuts; n += 1) {
      results.push(await cutOnce(bed, gatewayd, port, n));
      process.stderr.write(`\rcut ${n + 1} of ${cuts}`);
    }
    process.stderr.write('\n');
    await gatewayd.end();
    report(results);
  } finally {
    await bed.destroy();
  }
}

async function cutOnce(bed: Testbed, gatewayd: Gatewayd, port: string, n: number): Promise<Cut> {
  const beacon = bed.client.spawn([process.execPath, script('beacon.mjs'), TARGETS[0], port, `${BEACON_MS}`]);
  const from = (letter: 'A' | 'B'): string => bed.pop(`pop${letter}`).tunnel.client;
  const echoes = (): readonly Echo[] => linesOf(beacon.output).map((line) => JSON.parse(line) as Echo);
  await waitFor(() => echoes().length >= 20, 5_000, 'echoes through A');
  // Spread over the probe cycle, so that no phase of it is favoured.
  await pause((n * 37) % 500);
  const seen = gatewayd.process.output.length;
  await bed.cut('popA');
  const first = await waitFor(() => echoes().find((e) => e.source === from('B')), 10_000, 'an echo through B');
  const lastOverA =
    echoes()
      .filter((e) => e.source === from('A'))
      .at(-1)?.sentAt ?? Number.NaN;
  const hardAt = await waitFor(() => toldAt(gatewayd.process.output.slice(seen)), 10_000, 'a to be called unreachable');
  beacon.signal('SIGKILL');
  await bed.restore('popA');
  await gatewayd.carriedBy('a', 20_000);
  return { soft: first.sentAt - lastOverA, hard: hardAt - lastOverA };
}

/** When the daemon's JSON log called tunnel a unreachable; null while it has not. */
function toldAt(log: string): number | null {
  const line = linesOf(log).find(
    (text) => text.includes('Primary tunnel a is unreachable') || text.includes('Tunnel a is unreachable'),
  );
  return line === undefined ? null : Date.parse((JSON.parse(line) as { readonly time: string }).time);
}

function report(results: readonly Cut[]): void {
  const row = (name: string, goal: string, values: readonly number[]): readonly string[] => {
    const { n, min, p50, p99, max } = figuresOf(values);
    return [name, goal, ...[min, p50, p99, max].map((ms) => `${(ms / 1000).toFixed(2)} s`), `${n}`];
  };
  const rows = [
    row(
      'black hole to new flows on the backup',
      'p50 <= 0.95 s, p99 <= 1.2 s',
      results.map((r) => r.soft),
    ),
    row(
      'black hole to unreachable',
      'p99 <= 2.8 s',
      results.map((r) => r.hard),
    ),
  ];
  console.log(tableOf(['', 'goal', 'min', 'p50', 'p99', 'max', 'cuts'], rows));
}

const linesOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'));
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

await main(Number(process.argv[2] ?? 100));

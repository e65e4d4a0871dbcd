import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../support/command.js';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

/** What runs as that process; nothing once it has ended. */
function programOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

const script = (name: string): string => new URL(`../support/${name}`, import.meta.url).pathname;

/** Spread over what a start takes, up to the first choice of a primary and beyond. */
const KILLS = 50;
const LONGEST_LIFE_MS = 2_000;

describe.skipIf(blocked !== null)(`a daemon that is killed${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let before: string;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2 });
    before = await bed.snapshot('client');
  });
  afterAll(() => bed.destroy());

  const routes = (): Promise<string> => bed.client.must(['ip', '-6', 'route', 'show', 'default']);
  /** The processes that carry the tunnels, by pid. */
  const carriers = async (): Promise<readonly string[]> => {
    const pids = (await mustRun(['ip', 'netns', 'pids', bed.client.name])).split('\n').filter((pid) => pid !== '');
    return pids.filter((pid) => programOf(pid) === 'socat').sort();
  };

  it(`is replaced ${KILLS} times without losing a packet, and the last one removes everything`, async () => {
    let gatewayd = await Gatewayd.start(bed, configurationFor(bed));
    await gatewayd.carriedBy('a');
    await waitFor(async () => (await routes()).includes('he-b'), 5_000, 'the standby route');
    const settled = { routes: await routes(), carriers: await carriers() };
    const echo = bed.internet.spawn([process.execPath, script('echo-server.mjs'), TARGETS[0]]);
    const port = (await echo.says(/listening on port (\d+)/))[1] ?? '';
    const stream = bed.client.spawn([process.execPath, script('datagrams.mjs'), TARGETS[0], port, '1000']);
    await stream.says(/sending/);

    for (let kill = 0; kill < KILLS; kill += 1) {
      gatewayd.process.signal('SIGKILL');
      await gatewayd.process.end();
      expect({ routes: await routes(), carriers: await carriers() }).toEqual(settled);
      gatewayd = await Gatewayd.start(bed, configurationFor(bed));
      // Every other one is told to read its configuration again just before its end.
      const life = ((kill * 487) % LONGEST_LIFE_MS) + 20;
      const born = performance.now();
      await waitFor(() => performance.now() - born >= life || gatewayd.process.ended, LONGEST_LIFE_MS * 2, 'its hour');
      if (kill % 2 === 1) gatewayd.process.signal('SIGHUP');
    }

    await gatewayd.carriedBy('a');
    stream.signal('SIGTERM');
    const { sent, lost, errors } = JSON.parse((await stream.says(/\{.*\}/))[0]) as Record<string, unknown>;
    expect({ lost, errors }).toEqual({ lost: 0, errors: {} });
    expect(sent).toBeGreaterThan(KILLS * 100);
    expect(await bed.foreignPackets('popA')).toBe(0);
    expect(await gatewayd.end()).toBe(0);
    echo.signal('SIGKILL');
    await echo.end();
    expect(await bed.snapshot('client')).toBe(before);
    expect(await mustRun(['ip', 'netns', 'pids', bed.client.name])).toBe('');
  });

  it('is replaced after it was killed while going down or switching, and nothing stays behind', async () => {
    for (const delay of [0, 5, 15, 40, 80]) {
      const gatewayd = await Gatewayd.start(bed, configurationFor(bed));
      await gatewayd.carriedBy('a');
      if (delay > 10) await bed.cut('popA');
      gatewayd.process.signal('SIGTERM');
      const asked = performance.now();
      await waitFor(() => performance.now() - asked >= delay, 1_000, 'the moment');
      gatewayd.process.signal('SIGKILL');
      await gatewayd.process.end();
      await bed.restore('popA');
    }
    const last = await Gatewayd.start(bed, configurationFor(bed));
    await last.carriedBy('a');

    expect(await last.end()).toBe(0);

    expect(await bed.snapshot('client')).toBe(before);
    expect(await mustRun(['ip', 'netns', 'pids', bed.client.name])).toBe('');
  });

  it('leaves nothing of a tunnel that its successor’s configuration does not have', async () => {
    const first = await Gatewayd.start(bed, configurationFor(bed));
    await first.carriedBy('a');
    first.process.signal('SIGKILL');
    await first.process.end();

    const onlyB = configurationFor(bed).replace(/\[tunnel\.a\][^[]*/, '');
    const second = await Gatewayd.start(bed, onlyB);
    await second.carriedBy('b');

    expect(await bed.client.must(['ip', '-6', 'rule', 'show'])).not.toContain('he-a');
    expect(await bed.client.must(['ip', 'link', 'show'])).not.toContain('he-a');
    expect(second.process.output).toContain('Removed what an earlier run had left');
    expect(await second.end()).toBe(0);
    expect(await bed.snapshot('client')).toBe(before);
  });
});

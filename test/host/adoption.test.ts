import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mustRun } from '../support/command.js';
import { Datagrams } from '../support/datagrams.js';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { seeded } from '../support/seed.js';
import { TcpStream } from '../support/tcp-stream.js';
import { Testbed } from '../support/testbed.js';
import { pass, waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

/** What runs as that process; nothing once it has ended. */
function programOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Spread over what a start takes, up to the first choice of a primary and beyond. */
const KILLS = 50;
const LONGEST_LIFE_MS = 2_000;

/** Cuts, each with its repair; every one of them a switch, and a kill somewhere around it. */
const SWITCHES = 4;
const SWITCH_TAKES_MS = 1_500;

/**
 * The longest time in which a connection may hear nothing; its peer says something every 10 ms. Shorter
 * than any failover, longer than one retransmission (RFC 6298 RTO, at least 200 ms in Linux).
 */
const STALL_LIMIT_MS = 400;

/** What a stream has to say of itself that lost nothing. */
const COMPLETE = { missing: [0, 0], firstWrong: [null, null], errors: [null, null] };

describe.skipIf(blocked !== null)(`a daemon that is killed${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let before: string;

  beforeEach(async () => {
    bed = await Testbed.create({ pops: 2 });
    before = await bed.snapshot('client');
  });
  afterEach(() => bed.destroy());

  const routes = (): Promise<string> => bed.client.must(['ip', '-6', 'route', 'show', 'default']);
  /** The processes that carry the tunnels, by pid. */
  const carriers = async (): Promise<readonly string[]> => {
    const pids = (await mustRun(['ip', 'netns', 'pids', bed.client.name])).split('\n').filter((pid) => pid !== '');
    return pids.filter((pid) => programOf(pid) === 'socat').sort();
  };

  it(`is replaced ${KILLS} times under a connection and datagrams that lose nothing`, async () => {
    let gatewayd = await Gatewayd.start(bed, configurationFor(bed));
    await gatewayd.carriedBy('a');
    await waitFor(async () => (await routes()).includes('he-b'), 5_000, 'the standby route');
    const settled = { routes: await routes(), carriers: await carriers() };
    const datagrams = await Datagrams.start(bed, 1_000);
    const stream = await TcpStream.open(bed);

    for (let kill = 0; kill < KILLS; kill += 1) {
      await gatewayd.kill();
      expect({ routes: await routes(), carriers: await carriers() }).toEqual(settled);
      gatewayd = await Gatewayd.start(bed, configurationFor(bed));
      // Every other one is told to read its configuration again just before its end.
      await pass(((kill * 487) % LONGEST_LIFE_MS) + 20);
      if (kill % 2 === 1) gatewayd.process.signal('SIGHUP');
    }

    await gatewayd.carriedBy('a');
    const { sent, lost, errors } = await datagrams.stop();
    expect({ lost, errors }).toEqual({ lost: 0, errors: {} });
    expect(sent).toBeGreaterThan(KILLS * 100);
    expectUnharmed('of the stream', await stream.close());
    expect(stream.from).toBe(bed.pop('popA').tunnel.client);
    expect(await bed.foreignPackets('popA')).toBe(0);
    expect(await gatewayd.end()).toBe(0);
    await nothingLeft();
  });

  it(`is replaced around ${SWITCHES * 2} switches, which the tunnel that is not cut does not notice`, async () => {
    const random = seeded('switches');
    const prompt = configurationFor(bed, '[failover]\nfailback_after = 300ms\n');
    let gatewayd = await Gatewayd.start(bed, prompt);
    await gatewayd.carriedBy('a');
    await gatewayd.isUp('b');
    const { client: addressA } = bed.pop('popA').tunnel;
    const { client: addressB } = bed.pop('popB').tunnel;
    const datagrams = await Datagrams.start(bed, 1_000, addressB);
    const [overA, overB] = [await TcpStream.open(bed, addressA), await TcpStream.open(bed, addressB)];

    for (let round = 0; round < SWITCHES; round += 1) {
      for (const [change, next] of [
        [() => bed.cut('popA'), 'b'],
        [() => bed.restore('popA'), 'a'],
      ] as const) {
        await change();
        // Before it has noticed, while it switches, or soon after.
        await pass(random.between(0, SWITCH_TAKES_MS));
        await gatewayd.kill();
        gatewayd = await Gatewayd.start(bed, prompt);
        await gatewayd.carriedBy(next);
      }
    }

    const { lost, errors } = await datagrams.stop();
    expect({ lost, errors }).toEqual({ lost: 0, errors: {} });
    expectUnharmed('over the tunnel that stayed', await overB.close());
    const dead = await overA.close();
    expect(inOrder(dead), 'over the tunnel that was cut').toEqual(COMPLETE);
    expect(Math.max(dead.client.longestGap, dead.server.longestGap), 'it was cut').toBeGreaterThan(STALL_LIMIT_MS);
    expect(await bed.foreignPackets('popA')).toBe(0);
    expect(await bed.foreignPackets('popB')).toBe(0);
    expect(await gatewayd.end()).toBe(0);
    await nothingLeft();
  });

  it('is replaced after it was killed while going down or switching, and nothing stays behind', async () => {
    for (const delay of [0, 5, 15, 40, 80]) {
      const gatewayd = await Gatewayd.start(bed, configurationFor(bed));
      await gatewayd.carriedBy('a');
      if (delay > 10) await bed.cut('popA');
      gatewayd.process.signal('SIGTERM');
      await pass(delay);
      await gatewayd.kill();
      await bed.restore('popA');
    }
    const last = await Gatewayd.start(bed, configurationFor(bed));
    await last.carriedBy('a');

    expect(await last.end()).toBe(0);

    await nothingLeft();
  });

  it('leaves nothing of a tunnel that its successor’s configuration does not have', async () => {
    const first = await Gatewayd.start(bed, configurationFor(bed));
    await first.carriedBy('a');
    await first.kill();

    const onlyB = configurationFor(bed).replace(/\[tunnel\.a\][^[]*/, '');
    const second = await Gatewayd.start(bed, onlyB);
    await second.carriedBy('b');

    expect(await bed.client.must(['ip', '-6', 'rule', 'show'])).not.toContain('he-a');
    expect(await bed.client.must(['ip', 'link', 'show'])).not.toContain('he-a');
    expect(second.process.output).toContain('Removed what an earlier run had left');
    expect(await second.end()).toBe(0);
    expect(await bed.snapshot('client')).toBe(before);
  });

  async function nothingLeft(): Promise<void> {
    expect(await bed.snapshot('client')).toBe(before);
    expect(await mustRun(['ip', 'netns', 'pids', bed.client.name])).toBe('');
  }
});

type Ends = Awaited<ReturnType<TcpStream['close']>>;

const inOrder = ({ client, server }: Ends): typeof COMPLETE => ({
  missing: [client.sent - server.received, server.sent - client.received],
  firstWrong: [client.firstWrong, server.firstWrong] as [null, null],
  errors: [client.error, server.error] as [null, null],
});

function expectUnharmed(which: string, ends: Ends): void {
  const [up, down] = [ends.server, ends.client];
  console.log(
    `stream ${which}: ${up.received} bytes up, ${down.received} down; longest gaps ${up.longestGap} and ${down.longestGap} ms`,
  );
  expect(inOrder(ends), which).toEqual(COMPLETE);
  expect(Math.min(up.received, down.received), which).toBeGreaterThan(10_000);
  expect(Math.max(up.longestGap, down.longestGap), `the longest gap ${which}`).toBeLessThan(STALL_LIMIT_MS);
}

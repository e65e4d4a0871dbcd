import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

const ROUNDS = 100;

/** What the gateway promises (300 ms), and room for a machine that does other things. */
const MEND_LIMIT = 2_000;
const MEND_USUAL = 300;

describe.skipIf(blocked !== null)(`somebody else changes our routing${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let before: string;
  let whole: string;
  let gatewayd: Gatewayd;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2 });
    before = await bed.snapshot('client');
    gatewayd = await Gatewayd.start(bed, configurationFor(bed));
    await gatewayd.carriedBy('a');
    await waitFor(async () => /default dev he-b/.test(await show('route', 'show')), 5_000, 'the standby route');
    whole = await present();
  });
  afterAll(async () => {
    await gatewayd.end();
    await bed.destroy();
  });

  const show = (...args: readonly string[]): Promise<string> => bed.client.must(['ip', '-6', ...args]);

  /** A link-local address is drawn anew with its interface. */
  const present = async (): Promise<string> =>
    (await bed.snapshot('client')).replace(/fe80::[0-9a-f:]{4,}/g, 'fe80::x');

  /** The `ip` command that deletes each rule and route that is ours. */
  const deletions = async (): Promise<readonly string[]> => {
    const ours = (text: string): readonly string[] => text.split('\n').filter((line) => line.includes('proto 206'));
    const rules = ours(await show('rule', 'show')).map((line) => `rule del pref ${line.split(':')[0]}`);
    const routes = ours(await show('route', 'show', 'table', 'all')).map(
      (line) => `route del ${line.replace(/ (error|pref) .*$/, '').trim()}`,
    );
    return [...rules, ...routes];
  };

  const mended = async (): Promise<number> => {
    const from = performance.now();
    await waitFor(async () => (await present()) === whole, MEND_LIMIT, 'everything to be back').catch(
      async (error: unknown) => {
        expect(await present(), String(error)).toBe(whole);
      },
    );
    return performance.now() - from;
  };

  it(`puts back each of our rules and routes, ${ROUNDS} rounds`, async () => {
    const commands = await deletions();
    // Two rules and three routes a tunnel, and a default route each.
    expect(commands).toHaveLength(12);
    const times: number[] = [];

    for (let round = 0; round < ROUNDS; round += 1) {
      await bed.client.ip6(commands[round % commands.length] ?? '');
      times.push(await mended());
    }

    expect(times.sort((a, b) => a - b)[ROUNDS / 2]).toBeLessThan(MEND_USUAL);
    expect(gatewayd.process.output).toMatch(/\[WARN\] Something else on this machine changed our routing; put back: /);
    expect((await gatewayd.health()).primary).toBe('a');
  });

  it('puts everything back after all our rules were flushed, as a restarted systemd-networkd does', async () => {
    await bed.client.ip6('rule flush protocol 206');
    await mended();
  });

  it('lives with a second program’s default route, and leaves it alone', async () => {
    await bed.client.ip6('route append default dev lo metric 2048 proto static');
    await waitFor(async () => (await gatewayd.health()).v6_reachable, 5_000, 'an answer');

    expect(await show('route', 'show', 'default')).toContain('default dev lo proto static metric 2048');
    expect((await gatewayd.health()).primary).toBe('a');
    await bed.client.ip6('route del default dev lo metric 2048 proto static');
    await mended();
  });

  it('takes an interface that was deleted and made again under the same name for what it is', async () => {
    await bed.client.ip('link del he-b');
    await waitFor(
      async () => (await gatewayd.tunnels()).tunnels.every((t) => t.state === 'up' && t.reachable),
      20_000,
      'b to come back',
    );
    await mended();
  });

  it('leaves the host as it was', async () => {
    expect(await gatewayd.end()).toBe(0);
    expect(await bed.snapshot('client')).toBe(before);
  });
});

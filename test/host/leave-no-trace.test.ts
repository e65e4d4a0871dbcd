import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../support/command.js';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

describe.skipIf(blocked !== null)(`SIGTERM leaves the host as it was${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let before: string;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 3 });
    // Somebody else's rule, table and default route: none of them is ours to touch.
    await bed.client.ip6('rule add pref 9100 from 2001:db8:77::/64 lookup 77', 'route add default dev lo metric 4096');
    await bed.client.ip6('route add 2001:db8:77::/64 dev lo table 77');
    before = await bed.snapshot('client');
  });
  afterAll(() => bed.destroy());

  const nothingLeft = async (): Promise<void> => {
    expect(await bed.snapshot('client')).toBe(before);
    expect(await mustRun(['ip', 'netns', 'pids', bed.client.name])).toBe('');
  };

  it('after all tunnels were up', async () => {
    const gatewayd = await Gatewayd.start(bed, configurationFor(bed));
    await gatewayd.carriedBy('a');
    expect(await bed.snapshot('client')).not.toBe(before);

    expect(await gatewayd.end()).toBe(0);

    await nothingLeft();
  });

  it.each([
    ['before anything is up', async () => true],
    ['when the first interface has appeared', async () => (await shows('link', 'show')).includes('he-')],
    ['when the first address has appeared', async () => (await shows('-6', 'addr', 'show')).includes('2001:db8:1::2')],
    ['when the first rule has appeared', async () => (await shows('-6', 'rule', 'show')).includes('he-')],
    ['when the default route has appeared', async () => /default dev he-/.test(await shows('-6', 'route', 'show'))],
  ])('in the middle of coming up: %s', async (what, reached) => {
    const gatewayd = await Gatewayd.start(bed, configurationFor(bed));
    await waitFor(() => gatewayd.process.output.includes('Gateway started'), 10_000, 'the gateway to start');
    await waitFor(reached, 10_000, what);

    expect(await gatewayd.end()).toBe(0);

    await nothingLeft();
  });

  it('after SIGINT, with a tunnel that was cut off', async () => {
    const gatewayd = await Gatewayd.start(bed, configurationFor(bed));
    await gatewayd.carriedBy('a');
    await bed.cut('popA');
    await waitFor(() => gatewayd.process.output.includes('Failing over from a'), 10_000, 'a to be left');

    expect(await gatewayd.end('SIGINT')).toBe(0);

    await bed.restore('popA');
    await nothingLeft();
  });

  function shows(...args: readonly string[]): Promise<string> {
    return bed.client.must(['ip', ...args]);
  }
});

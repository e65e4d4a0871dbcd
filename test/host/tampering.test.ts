import { type Millis, ROUTING_DEFAULTS } from '@hurricane/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { flushForeign } from '../support/networkd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { pass, waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

const ROUNDS = 100;
const FLUSHES = 8;

/** What the gateway promises (300 ms), and room for a machine that does other things. */
const MEND_LIMIT = 2_000;
const MEND_USUAL = 300;

/** Long enough that the last look at our routing is over, and the pause after it. */
const QUIET: Millis = 500;

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

  it('puts everything back after all our rules were flushed', async () => {
    await bed.client.ip6('rule flush protocol 206');
    await mended();
  });

  it(`puts back ours, and nothing else, after a restart of systemd-networkd, ${FLUSHES} rounds`, async () => {
    const times: number[] = [];
    for (let round = 0; round < FLUSHES; round += 1) {
      await bed.client.ip6('rule add pref 9100 from 2001:db8:77::/64 lookup 77 protocol static');
      await bed.client.ip6('route add 2001:db8:77::/64 dev lo metric 5 proto static');
      await pass(QUIET);

      const flushed = await flushForeign(bed.client);

      expect(flushed).toHaveLength(14);
      times.push(await mended());
    }
    const median = times.sort((a, b) => a - b)[FLUSHES / 2];
    console.log(`mended after a flush: median ${median?.toFixed()} ms, longest ${times.at(-1)?.toFixed()} ms`);
    expect((await gatewayd.health()).primary).toBe('a');
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

describe.skipIf(blocked !== null)(
  `a second default route at our metric${blocked === null ? '' : ` (${blocked})`}`,
  () => {
    const METRIC = ROUTING_DEFAULTS.metric;
    const THEIRS = `default dev lan0 metric ${METRIC} proto static`;
    let bed: Testbed;
    let gatewayd: Gatewayd | null = null;

    beforeEach(async () => {
      bed = await Testbed.create({ pops: 2 });
      await bed.client.ip('link add lan0 type veth peer name lan0-far', 'link set lan0 up', 'link set lan0-far up');
      await bed.client.ip6('addr add 2001:db8:99::2/64 dev lan0 nodad');
      // Packets that leave by it, and not neighbours looking for each other.
      await bed.client.nft(`table inet stray {
  counter strayed { }
  chain leave {
    type filter hook postrouting priority 0;
    oifname "lan0" ip6 daddr ${TARGETS[0]} counter name strayed
  }
}`);
    });
    afterEach(async () => {
      await gatewayd?.end();
      gatewayd = null;
      await bed.destroy();
    });

    const start = async (): Promise<void> => {
      gatewayd = await Gatewayd.start(bed, configurationFor(bed));
      await gatewayd.carriedBy('a');
      await gatewayd.isUp('b');
    };
    const defaults = async (): Promise<readonly string[]> =>
      (await bed.client.must(['ip', '-6', 'route', 'show', 'default'])).split('\n').filter((line) => line !== '');
    const placed = async (...expected: readonly string[]): Promise<void> => {
      const brief = async (): Promise<readonly string[]> =>
        (await defaults()).map((line) => /dev (\S+).* metric (\d+)/.exec(line)?.slice(1).join(' ') ?? line).sort();
      await waitFor(async () => (await brief()).join() === expected.join(), MEND_LIMIT, expected.join()).catch(
        async () => {
          expect(await brief()).toEqual(expected);
        },
      );
    };
    const strayed = async (): Promise<number> =>
      Number(/packets (\d+)/.exec(await bed.client.must(['nft', 'list', 'counter', 'inet', 'stray', 'strayed']))?.[1]);
    /** New connections, each looking for its way anew. */
    const carries = async (): Promise<void> => {
      const before = await strayed();
      for (let i = 0; i < 5; i += 1) await bed.client.must(['ping', '-6', '-n', '-c', '1', '-W', '2', TARGETS[0]]);
      expect((await strayed()) - before).toBe(0);
    };

    const leaves = async (before: string): Promise<void> => {
      expect(await gatewayd?.end()).toBe(0);
      expect((await defaults()).map((line) => line.replace(/ pref \w+$/, '').trim())).toEqual([
        `default dev lan0 proto static metric ${METRIC}`,
      ]);
      await bed.client.ip6(`route del ${THEIRS}`);
      expect(await bed.snapshot('client')).toBe(before);
    };

    it('appended beside ours: ours takes the next smaller one, carries on, and theirs outlives us', async () => {
      const before = await bed.snapshot('client');
      await start();

      await bed.client.ip6(`route append ${THEIRS}`);

      await placed(`he-a ${METRIC - 1}`, `he-b ${METRIC + 10}`, `lan0 ${METRIC}`);
      await carries();
      await leaves(before);
    });

    it('put in the place of ours: ours comes back below it, carries on, and theirs outlives us', async () => {
      const before = await bed.snapshot('client');
      await start();

      await bed.client.ip6(`route replace ${THEIRS}`);

      await placed(`he-a ${METRIC - 1}`, `he-b ${METRIC + 10}`, `lan0 ${METRIC}`);
      await carries();
      await leaves(before);
    });

    it('added: the kernel refuses while ours is there; where theirs was first, ours goes below it', async () => {
      const before = await bed.snapshot('client');
      await start();

      // ip-route(8): `add` asks for a new one, and the kernel tells IPv6 routes apart by destination and metric.
      await expect(bed.client.ip6(`route add ${THEIRS}`)).rejects.toThrow('File exists');

      await placed(`he-a ${METRIC}`, `he-b ${METRIC + 10}`);
      await gatewayd?.end();
      await bed.client.ip6(`route add ${THEIRS}`);
      await start();
      await placed(`he-a ${METRIC - 1}`, `he-b ${METRIC + 10}`, `lan0 ${METRIC}`);
      await carries();
      await leaves(before);
    });

    it('goes again: ours returns to its metric; and a switch moves it like any other', async () => {
      await start();
      await bed.client.ip6(`route append ${THEIRS}`);
      await placed(`he-a ${METRIC - 1}`, `he-b ${METRIC + 10}`, `lan0 ${METRIC}`);

      await bed.cut('popA');
      await gatewayd?.carriedBy('b');
      await placed(`he-b ${METRIC - 1}`, `lan0 ${METRIC}`);
      await carries();

      await bed.client.ip6(`route del ${THEIRS}`);
      await placed(`he-b ${METRIC}`);
      await carries();
    });
  },
);

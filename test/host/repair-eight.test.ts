import { PROTOCOL } from '@hurricane/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { Losses } from '../support/losses.js';
import { requireHost } from '../support/require-host.js';
import { quantile, spread } from '../support/spread.js';
import { Testbed } from '../support/testbed.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tun: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

const TUNNELS = 8;
const ROUNDS = 20;

/** Of each tunnel: two rules, three routes in its table and one in the main table. */
const EACH = 6;

/**
 * The gateway promises 300 ms. Half of the rounds take no more than this also on a machine that has ten
 * times too much to do; starting programs for each tunnel misses it on one with nothing else to do.
 */
const PROMISE = 300;
const MEND_USUAL = 600;

/** After a repair the gateway looks again at what it has done (UPKEEP_PAUSE), and then it is at rest. */
const REST = 700;

const MEND_LIMIT = 20_000;

/** A tunnel that lost many packets on a busy machine is no standby for a minute: the window of its score. */
const WHOLE_LIMIT = 90_000;
const TEST_LIMIT = 600_000;

describe.skipIf(blocked !== null)(`eight tunnels robbed at once${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let gatewayd: Gatewayd;
  let losses: Losses;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: TUNNELS });
    gatewayd = await Gatewayd.start(bed, configurationFor(bed));
    await gatewayd.carriedBy('a', 20_000);
    losses = await Losses.watch(bed.client);
  });
  afterAll(async () => {
    await losses?.stop();
    await gatewayd?.end();
    await bed?.destroy();
  });

  const show = (...what: readonly string[]): Promise<string> => bed.client.must(['ip', '-6', ...what]);

  /** The `ip` command that deletes each rule and route that is ours. */
  const thefts = async (): Promise<readonly string[]> => {
    const ours = (text: string): readonly string[] =>
      text.split('\n').filter((line) => line.includes(`proto ${PROTOCOL}`));
    const rules = ours(await show('rule', 'show')).map((line) => `rule del pref ${line.replace(':', '')}`);
    const routes = ours(await show('route', 'show', 'table', 'all')).map(
      (line) => `route del ${line.replace(/ (error|pref) .*$/, '').trim()}`,
    );
    // Which default route stands before which is for the gateway to decide, also in the meantime.
    const unranked = routes.map((line) => (line.includes(' table ') ? line : line.replace(/ metric \d+/, '')));
    return [...rules, ...unranked].sort();
  };

  /** The commands that take all of it, once it is there. */
  const whenWhole = (): Promise<readonly string[]> => {
    const all = async (): Promise<readonly string[] | null> => {
      const commands = await thefts();
      return commands.length === TUNNELS * EACH ? commands : null;
    };
    return waitFor(all, WHOLE_LIMIT, `${TUNNELS * EACH} rules and routes to be there`);
  };
  const robbed = async (whole: readonly string[]): Promise<number> => {
    losses.forget();
    await bed.client.exec(['ip', '-6', '-force', '-batch', '-'], { input: `${whole.join('\n')}\n` });
    // The gateway may have withdrawn a standby a moment before.
    return (await losses.mended(whole.length - TUNNELS, MEND_LIMIT)).lasted;
  };

  it(
    `have all their rules and routes back, ${ROUNDS} rounds`,
    async () => {
      const whole = await whenWhole();
      const times: number[] = [];

      for (let round = 0; round < ROUNDS; round += 1) {
        const since = performance.now();
        await waitFor(() => performance.now() - since > REST, MEND_LIMIT, 'the gateway to be at rest');
        await whenWhole();
        times.push(await robbed(whole));
      }

      console.log(
        `eight tunnels robbed of ${whole.length} rules and routes (${PROMISE} ms promised): ${spread(times)}`,
      );
      expect(await whenWhole()).toEqual(whole);
      expect(quantile(times, 0.5)).toBeLessThan(MEND_USUAL);
      expect((await gatewayd.tunnels()).tunnels.filter(({ state }) => state === 'up')).toHaveLength(TUNNELS);
    },
    TEST_LIMIT,
  );

  it(
    'have all of it back also when they are robbed again before the gateway comes to rest',
    async () => {
      const whole = await whenWhole();
      const times: number[] = [];

      for (let round = 0; round < ROUNDS; round += 1) {
        await whenWhole();
        times.push(await robbed(whole));
      }

      console.log(`eight tunnels robbed again and again: ${spread(times)}`);
      expect(await whenWhole()).toEqual(whole);
    },
    TEST_LIMIT,
  );
});

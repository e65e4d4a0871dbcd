import type { Millis } from '@hurricane/core';
import { afterEach, describe, expect, it } from 'vitest';
import { LeakBench } from '../support/leak-bench.js';
import { HANDS, HARMLESS, LOWERING, type Operation, raise } from '../support/leak-operations.js';
import { requireHost } from '../support/require-host.js';
import { SEED, seeded } from '../support/seed.js';
import { Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { pass } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

/** What a test run has time for. OPERATIONS=100000 takes more than an hour on two cores. */
const OPERATIONS = Number(process.env['OPERATIONS'] ?? '1500');

/** Between two operations. */
const LONGEST_PAUSE: Millis = 15;

/** Operations between two looks at the counters. */
const LOOK_EVERY = 50;

/** In a long run. */
const TELL_EVERY = 5_000;

/** Operations take some 20 ms each, and on a busy machine several times that. */
const TIME_LIMIT: Millis = 120_000 + OPERATIONS * 150;

/** Packets of each tunnel that have to have left where they should, so that the count of the others means something. */
const PROPER_AT_LEAST = 1_000;

describe.skipIf(blocked !== null)(`what leaves the host${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed | null = null;

  afterEach(async () => {
    await bed?.destroy();
    bed = null;
  });

  it(`leaves by its own tunnel or not at all, through ${OPERATIONS} operations`, { timeout: TIME_LIMIT }, async () => {
    bed = await Testbed.create({ pops: 3 });
    const random = seeded('leaks');
    const bench = await LeakBench.open(bed, random);
    const { ledger } = bench;
    const history: string[] = [];
    const since = performance.now();

    for (let done = 0; done < OPERATIONS; done += 1) {
      history.push(await draw(bench, [...HARMLESS, ...LOWERING, ...HANDS]).run(bench));
      await pass(random.between(0, LONGEST_PAUSE));
      const isTimeToLook = done % LOOK_EVERY === LOOK_EVERY - 1;
      if (isTimeToLook) await ledger.settle(`at operation ${done + 1}`);
      if ((done + 1) % TELL_EVERY === 0) console.log(`${done + 1} operations`, bench.summary().join('\n'));
      if (ledger.report.leaks.length > 0) {
        const last = history.slice(-LOOK_EVERY).join(', ');
        expect(ledger.report.leaks, `SEED=${SEED}; last: ${last}; ${bench.log()}`).toEqual([]);
      }
    }

    const seconds = ((performance.now() - since) / 1_000).toFixed(0);
    for (const pop of bed.pops) await bed.restore(pop.name);
    await raise(bench);
    await bench.allUp();
    await ledger.settle('at the end');
    console.log([`${OPERATIONS} operations in ${seconds} s (SEED=${SEED})`, ...bench.summary()].join('\n'));
    expect(ledger.report.leaks).toEqual([]);
    for (const { source } of bench.tunnels) {
      expect(ledger.report.proper[source], source).toBeGreaterThan(PROPER_AT_LEAST);
    }

    await strayOnce(bench);
    await ledger.settle('after one was led astray');
    expect(ledger.report.leaks).toEqual([
      expect.stringMatching(/^1 fresh \(port 7003\) of 2001:db8:1::2 by he-b, seen after/),
    ]);
    await bench.close();
    expect(await bed.snapshot('client')).toBe(bench.before);
  });
});

function draw({ random }: LeakBench, operations: readonly Operation[]): Operation {
  let left = random.unit() * operations.reduce((sum, { weight }) => sum + weight, 0);
  for (const operation of operations) {
    left -= operation.weight;
    if (left < 0) return operation;
  }
  throw new Error('there is nothing to draw from');
}

/** A packet that no rule keeps from another tunnel: its socket is tied to that. Shows that the counters would tell. */
async function strayOnce({ bed, tunnels }: LeakBench): Promise<void> {
  const [a, b] = tunnels;
  const ends = `[${TARGETS[0]}]:7003,bind=[${a?.source}],so-bindtodevice=${b?.iface}`;
  await bed.client.must(['socat', '-u', '-', `UDP6-SENDTO:${ends}`], { input: 'x' });
}

import type { RoutePlan } from '@hurricane/core';
import { okAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import { PROTOCOL } from './ip.js';
import { type IpBatch, spawnedBatch } from './ip-batch.js';
import { linuxRouteTable } from './route-table.js';
import { FakeHost } from './testing/fake-host.js';
import { describeRouteTable } from './testing/route-table-contract.js';

const METRIC = 2_048;

const live = (): AbortSignal => new AbortController().signal;

describeRouteTable('the Linux route table', () => {
  const host = new FakeHost();
  for (const name of ['he0', 'wg0', 'eth1']) host.kernel.addLink(name, { up: true });
  const routes = linuxRouteTable({ runner: host, batch: spawnedBatch(host), metric: METRIC });
  return { host, routes, metric: METRIC, protocol: PROTOCOL };
});

describe('the repair of default routes', () => {
  const plan: RoutePlan = {
    via: { iface: 'he0', source: '2001:db8:1::2', gateway: null },
    standbys: [{ iface: 'wg0', source: '2001:db8:2::2', gateway: null }],
  };

  it.each([
    ['does all of it', 0, false],
    ['fails', 2, true],
    ['does nothing and says it did', 0, true],
  ])('ends with all of them, and says which, when the co-process %s', async (_how, exitCode, isIdle) => {
    const host = new FakeHost();
    for (const name of ['he0', 'wg0']) host.kernel.addLink(name, { up: true });
    const sound = spawnedBatch(host);
    const run: IpBatch['run'] = (commands, signal) =>
      isIdle ? okAsync(commands.map(() => ({ exitCode, stdout: '', stderr: '' }))) : sound.run(commands, signal);
    const routes = linuxRouteTable({ runner: host, batch: { run, close: async () => {} }, metric: METRIC });
    (await routes.apply(plan, live()))._unsafeUnwrap();
    const goal = `${host}`;
    host.kernel.routes.splice(0);

    const restored = (await routes.verify?.(plan, live()))?._unsafeUnwrap();

    expect(`${host}`).toBe(goal);
    expect(restored).toEqual([
      `default route via he0 (metric ${METRIC})`,
      `default route via wg0 (metric ${METRIC + 10})`,
    ]);
  });
});

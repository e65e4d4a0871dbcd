import type { BackendDriver, ConfigOf, DriverError, TunnelType } from '@hurricane/core';
import type { ResultAsync } from 'neverthrow';
import { expect } from 'vitest';
import type { DriverSetup } from './contract.js';
import type { FakeHost, FaultMoment } from './fake-host.js';
import { FakeKernel } from './fake-kernel.js';
import { finished } from './finished.js';

const MOMENTS: readonly FaultMoment[] = ['before', 'after'];

/** The promises of a driver that repairs. `promise` makes a test of each. */
export function checkRepairs<T extends TunnelType>(
  setup: () => DriverSetup<T>,
  promise: (sentence: string, check: () => Promise<void>) => void,
): void {
  promise('puts back all of it at once', async () => {
    const [{ host: start }, { driver, tunnel, host }] = [setup(), setup()];
    await finished(host, driver.up(tunnel, live()));
    const goal = `${host}`;
    const thefts = theftsOf(start, host);
    for (const { commit } of thefts) commit(host);

    const restored = await finished(host, repairOf(driver, tunnel));

    expect(`${host}`).toBe(goal);
    expect(restored).toHaveLength(thefts.length);
  });

  promise('finds nothing to repair where nothing is missing, and changes nothing', async () => {
    const { driver, restarted, tunnel, host } = setup();
    await finished(host, driver.up(tunnel, live()));
    const changes = host.changes;

    for (const each of [driver, restarted()]) expect(await finished(host, repairOf(each, tunnel))).toEqual([]);

    expect(host.changes).toBe(changes);
  });

  promise('touches nothing of others by repairing', async () => {
    const { driver, tunnel, host } = setup();
    const before = `${host}`.split('\n');
    await finished(host, driver.up(tunnel, live()));
    for (const { commit } of theftsOf(setup().host, host)) commit(host);

    await finished(host, repairOf(driver, tunnel));

    for (const moment of host.moments) expect(moment.split('\n')).toEqual(expect.arrayContaining(before));
  });

  promise('repairs by the next try what a failed one left, whatever failed', async () => {
    const start = setup().host;
    const clean = setup();
    await finished(clean.host, clean.driver.up(clean.tunnel, live()));
    const goal = `${clean.host}`;
    const rob = (host: FakeHost): void => theftsOf(start, host).forEach(({ commit }) => commit(host));
    rob(clean.host);
    const before = clean.host.log.length;
    await finished(clean.host, repairOf(clean.driver, clean.tunnel));
    const steps = clean.host.log.length - before;

    for (let nth = 0; nth < steps; nth += 1) {
      for (const moment of MOMENTS) {
        const { driver, tunnel, host } = setup();
        await finished(host, driver.up(tunnel, live()));
        rob(host);
        host.failNth(nth, moment);
        await repairOf(driver, tunnel);
        host.failNothing();

        await finished(host, repairOf(driver, tunnel));

        expect(`${host}`, `step ${nth} failing ${moment} its effect`).toBe(goal);
      }
    }
  });
}

/** Something of ours that somebody else takes away. */
interface Theft {
  readonly what: string;
  /** What the repair has to call it by. */
  readonly word: string;
  commit(host: FakeHost): void;
}

/** One for every rule, route and address that `up` has on the host and `start` has not. */
function theftsOf(start: FakeHost, up: FakeHost): readonly Theft[] {
  const known = new Set(`${start}`.split('\n'));
  const isNew = (list: 'rules' | 'routes', index: number): boolean => {
    const alone = new FakeKernel();
    alone.rules.push(...(list === 'rules' ? up.kernel.rules.slice(index, index + 1) : []));
    alone.routes.push(...(list === 'routes' ? up.kernel.routes.slice(index, index + 1) : []));
    return !known.has(`${alone}`);
  };
  const rules = up.kernel.rules.flatMap((rule, index): readonly Theft[] =>
    isNew('rules', index)
      ? [{ what: `rule ${rule.pref}`, word: 'rule', commit: (host) => void host.kernel.removeRule(rule) }]
      : [],
  );
  const routes = up.kernel.routes.flatMap((route, index): readonly Theft[] =>
    isNew('routes', index)
      ? [{ what: `route ${route.destination}`, word: 'route', commit: (host) => void host.kernel.removeRoute(route) }]
      : [],
  );
  const addresses = [...up.kernel.links].flatMap(([name, link]): readonly Theft[] =>
    [...link.addresses.keys()]
      .filter((address) => start.kernel.links.get(name)?.addresses.has(address) !== true)
      .map((address) => ({
        what: `address ${address}`,
        word: `address ${address}`,
        commit: (host) => void host.kernel.links.get(name)?.addresses.delete(address),
      })),
  );
  return [...rules, ...routes, ...addresses];
}

function repairOf<T extends TunnelType>(
  driver: BackendDriver<T>,
  tunnel: ConfigOf<T>,
): ResultAsync<readonly string[], DriverError> {
  if (driver.repair === undefined) throw new Error('this driver repairs nothing');
  return driver.repair(tunnel, live());
}

/** Nobody aborts this one. */
const live = (): AbortSignal => new AbortController().signal;

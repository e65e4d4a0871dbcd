import type { BackendDriver, ConfigOf, DriverError, TunnelType } from '@hurricane/core';
import type { Result, ResultAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { FakeHost, FaultMoment } from './fake-host.js';
import { FakeKernel } from './fake-kernel.js';

/** A driver on a host of its own, with something for it to do. */
export interface DriverSetup<T extends TunnelType> {
  readonly driver: BackendDriver<T>;
  /** The driver as the next process would make it on the same host, remembering nothing. */
  readonly restarted: () => BackendDriver<T>;
  readonly tunnel: ConfigOf<T>;
  readonly host: FakeHost;
}

/** The promises of a {@link BackendDriver}, by the names that a driver may be excused from them. */
export type DriverPromise =
  | 'brings_up'
  | 'idempotent'
  | 'restores'
  | 'only_looks'
  | 'absent'
  | 'aborts'
  | 'recovers'
  | 'never_down_too_early'
  | 'repairs'
  | 'no_shell'
  | 'own_things_only';

export interface Skip {
  readonly promise: DriverPromise;
  readonly why: string;
}

/** How long an aborted call may take to come back. */
const PROMPTLY = 100;

const MOMENTS: readonly FaultMoment[] = ['before', 'after'];

/** Nothing is lost by it that a shell would not take apart. */
const NASTY_NAME = 'a b;reboot $(x)';

/**
 * Every promise a backend driver makes, checked. `setup` runs afresh for each test and may put
 * whatever else on its host: none of that may change.
 */
export function describeBackendDriver<T extends TunnelType>(
  name: string,
  setup: () => DriverSetup<T>,
  skip: readonly Skip[] = [],
): void {
  const promise = (key: DriverPromise, sentence: string, body: () => Promise<void>): void => {
    const excuse = skip.find((each) => each.promise === key);
    if (excuse === undefined) it(sentence, body);
    else it.skip(`${sentence} (${excuse.why})`, body);
  };
  /** No command may have been one the fake host does not know. */
  const finished = async <V>(host: FakeHost, operation: PromiseLike<Result<V, DriverError>>): Promise<V> => {
    const result = await operation;
    expect(host.surprises).toEqual([]);
    return result._unsafeUnwrap();
  };

  describe(`${name} keeps the backend driver contract`, () => {
    promise('brings_up', 'brings an absent tunnel up, and says so with its address', async () => {
      const { driver, tunnel, host } = setup();

      const reading = await finished(host, driver.up(tunnel, live()));

      expect(reading.link).toBe('up');
      expect(reading.address).not.toBeNull();
      expect(await finished(host, driver.inspect(tunnel, live()))).toEqual(reading);
    });

    promise('idempotent', 'finds nothing to do when already up, even after a restart of ours', async () => {
      const { driver, restarted, tunnel, host } = setup();
      await finished(host, driver.up(tunnel, live()));
      const [once, changes] = [`${host}`, host.changes];

      for (const each of [driver, restarted()]) {
        await finished(host, each.up(tunnel, live()));

        expect(`${host}`).toBe(once);
        expect(host.changes, 'traffic must not be interrupted').toBe(changes);
      }
    });

    promise('restores', 'restores the host when brought down, and again finds nothing to do', async () => {
      const { driver, tunnel, host } = setup();
      const before = `${host}`;
      await finished(host, driver.up(tunnel, live()));

      await finished(host, driver.down(tunnel, live()));

      expect(`${host}`).toBe(before);
      const changes = host.changes;
      await finished(host, driver.down(tunnel, live()));
      expect(host.changes).toBe(changes);
    });

    promise('restores', 'brings down what an earlier process of ours brought up', async () => {
      const { driver, restarted, tunnel, host } = setup();
      const before = `${host}`;
      await finished(host, driver.up(tunnel, live()));

      await finished(host, restarted().down(tunnel, live()));

      expect(`${host}`).toBe(before);
    });

    promise('only_looks', 'changes nothing by looking', async () => {
      const { driver, tunnel, host } = setup();
      await finished(host, driver.inspect(tunnel, live()));
      expect(host.changes).toBe(0);
      await finished(host, driver.up(tunnel, live()));
      const changes = host.changes;

      await finished(host, driver.inspect(tunnel, live()));

      expect(host.changes).toBe(changes);
    });

    promise('absent', 'answers "absent" rather than failing when there is no interface', async () => {
      const { driver, tunnel, host } = setup();

      const reading = await finished(host, driver.inspect({ ...tunnel, iface: 'nosuch0' }, live()));

      expect(reading).toMatchObject({ link: 'absent', address: null });
    });

    promise('aborts', 'returns promptly once aborted, with an error and without rejecting', async () => {
      for (const verb of ['up', 'down', 'inspect'] as const) {
        const { driver, tunnel, host } = setup();
        host.hang(true);
        const call = new AbortController();
        const pending = driver[verb](tunnel, call.signal);

        const since = performance.now();
        call.abort();
        const result: Result<unknown, DriverError> = await pending;

        expect(result._unsafeUnwrapErr(), verb).toEqual({ kind: 'aborted' });
        expect(performance.now() - since, verb).toBeLessThan(PROMPTLY);
      }
    });

    promise('recovers', 'recovers from a failure at every step, whether or not the step took effect', async () => {
      const clean = setup();
      const start = `${clean.host}`;
      await finished(clean.host, clean.driver.up(clean.tunnel, live()));
      const [goal, steps] = [`${clean.host}`, clean.host.log.length];

      for (let nth = 0; nth < steps; nth += 1) {
        for (const moment of MOMENTS) {
          const { driver, tunnel, host } = setup();
          host.failNth(nth, moment);
          const first = await driver.up(tunnel, live());
          const where = `step ${nth} failing ${moment} its effect: ${host.log[nth]?.join(' ')}`;

          // A failed try may leave nothing that a single `down` does not clear away ...
          if (first.isErr()) {
            await finished(host, driver.down(tunnel, live()));
            expect(`${host}`, `down after ${where}`).toBe(start);
          }
          // ... and must not be in the way of the next.
          await finished(host, driver.up(tunnel, live()));
          expect(`${host}`, where).toBe(goal);
          await finished(host, driver.down(tunnel, live()));
          expect(`${host}`, where).toBe(start);
        }
      }
    });

    promise('recovers', 'is brought up by the next try, whatever the failed one left behind', async () => {
      const clean = setup();
      await finished(clean.host, clean.driver.up(clean.tunnel, live()));
      const [goal, steps] = [`${clean.host}`, clean.host.log.length];

      for (let nth = 0; nth < steps; nth += 1) {
        for (const moment of MOMENTS) {
          const { driver, tunnel, host } = setup();
          host.failNth(nth, moment);
          await driver.up(tunnel, live());

          await finished(host, driver.up(tunnel, live()));

          expect(`${host}`, `step ${nth} failing ${moment} its effect: ${host.log[nth]?.join(' ')}`).toBe(goal);
        }
      }
    });

    promise('never_down_too_early', 'never calls a tunnel down while anything of it is left', async () => {
      const clean = setup();
      await finished(clean.host, clean.driver.up(clean.tunnel, live()));
      const before = clean.host.log.length;
      await finished(clean.host, clean.driver.down(clean.tunnel, live()));
      const steps = clean.host.log.length - before;

      for (let nth = 0; nth < steps; nth += 1) {
        for (const moment of MOMENTS) {
          const { driver, tunnel, host } = setup();
          const start = `${host}`;
          await finished(host, driver.up(tunnel, live()));
          host.failNth(nth, moment);
          const where = `down() with its step ${nth} failing ${moment} its effect`;

          const said = await driver.down(tunnel, live());

          if (said.isOk()) expect(`${host}`, where).toBe(start);
          await finished(host, driver.down(tunnel, live()));
          expect(`${host}`, where).toBe(start);
        }
      }
    });

    // A driver without it leaves repair to whoever raises the tunnel again.
    if (setup().driver.repair !== undefined) {
      promise(
        'repairs',
        'puts back each rule, route and address of ours that somebody removes, and names it',
        async () => {
          const start = setup().host;
          const clean = setup();
          await finished(clean.host, clean.driver.up(clean.tunnel, live()));
          const goal = `${clean.host}`;
          const thefts = theftsOf(start, clean.host);
          expect(thefts.length).toBeGreaterThan(0);

          for (const { what, word, commit } of thefts) {
            for (const isRestarted of [false, true]) {
              const { driver, restarted, tunnel, host } = setup();
              await finished(host, driver.up(tunnel, live()));
              commit(host);
              expect(`${host}`, what).not.toBe(goal);

              const repairer = isRestarted ? restarted() : driver;
              const restored = await finished(host, repairOf(repairer, tunnel));

              expect(`${host}`, what).toBe(goal);
              expect(restored, what).toHaveLength(1);
              expect(restored[0], what).toContain(word);
            }
          }
        },
      );

      promise('repairs', 'puts back all of it at once', async () => {
        const [{ host: start }, { driver, tunnel, host }] = [setup(), setup()];
        await finished(host, driver.up(tunnel, live()));
        const goal = `${host}`;
        const thefts = theftsOf(start, host);
        for (const { commit } of thefts) commit(host);

        const restored = await finished(host, repairOf(driver, tunnel));

        expect(`${host}`).toBe(goal);
        expect(restored).toHaveLength(thefts.length);
      });

      promise('repairs', 'finds nothing to repair where nothing is missing, and changes nothing', async () => {
        const { driver, restarted, tunnel, host } = setup();
        await finished(host, driver.up(tunnel, live()));
        const changes = host.changes;

        for (const each of [driver, restarted()]) expect(await finished(host, repairOf(each, tunnel))).toEqual([]);

        expect(host.changes).toBe(changes);
      });

      promise('repairs', 'touches nothing of others by repairing', async () => {
        const { driver, tunnel, host } = setup();
        const before = `${host}`.split('\n');
        await finished(host, driver.up(tunnel, live()));
        for (const { commit } of theftsOf(setup().host, host)) commit(host);

        await finished(host, repairOf(driver, tunnel));

        for (const moment of host.moments) expect(moment.split('\n')).toEqual(expect.arrayContaining(before));
      });

      promise('repairs', 'repairs by the next try what a failed one left, whatever failed', async () => {
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

    promise('no_shell', 'hands every argument over whole, and never to a shell', async () => {
      const { driver, tunnel, host } = setup();
      const nasty = { ...tunnel, iface: NASTY_NAME };

      await driver.up(nasty, live());
      await driver.down(nasty, live());

      const named = host.log.filter((argv) => argv.join(' ').includes('reboot'));
      expect(named).not.toEqual([]);
      for (const argv of named) {
        expect(argv[0]).not.toMatch(/sh$/);
        expect(
          argv.some((arg) => arg.includes(NASTY_NAME)),
          argv.join(' '),
        ).toBe(true);
      }
    });

    promise('own_things_only', 'touches nothing that was there before', async () => {
      const { driver, tunnel, host } = setup();
      const before = `${host}`.split('\n');

      await finished(host, driver.up(tunnel, live()));
      await finished(host, driver.down(tunnel, live()));

      for (const moment of host.moments) expect(moment.split('\n')).toEqual(expect.arrayContaining(before));
    });
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

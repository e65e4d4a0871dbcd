import type { BackendDriver, ConfigOf, DriverError, TunnelType } from '@hurricane/core';
import type { Result } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { FakeHost, FaultMoment } from './fake-host.js';
import { finished } from './finished.js';
import { checkRepairs } from './repair-contract.js';

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
      checkRepairs(setup, (sentence, check) => promise('repairs', sentence, check));
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

/** Nobody aborts this one. */
const live = (): AbortSignal => new AbortController().signal;

import type { RouteHop, RoutePlan, RouteTable } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import type { FakeHost, FaultMoment } from './fake-host.js';
import type { FakeRoute } from './fake-kernel.js';

/** A route table on a host that has the interfaces `he0`, `wg0` and `eth1`. */
export interface RouteTableSetup {
  readonly routes: RouteTable;
  readonly host: FakeHost;
  /** Metric of the managed default. */
  readonly metric: number;
  /** What marks our routes. */
  readonly protocol: number;
}

const PROMPTLY = 100;
const MAIN_TABLE = 254;
const MOMENTS: readonly FaultMoment[] = ['before', 'after'];

const HE: RouteHop = { iface: 'he0', source: '2001:db8:1::2', gateway: null };
const WG: RouteHop = { iface: 'wg0', source: '2001:db8:2::2', gateway: null };
const ETH: RouteHop = { iface: 'eth1', source: '2001:db8:3::2', gateway: 'fe80::1' };
const BY_HE: RoutePlan = { via: HE, standbys: [WG, ETH] };
const BY_ETH: RoutePlan = { via: ETH, standbys: [HE] };
const NOTHING: RoutePlan = { via: null, standbys: [] };

/** Every promise a route table makes, checked. `setup` runs afresh for each test. */
export function describeRouteTable(name: string, setup: () => RouteTableSetup): void {
  const applied = async ({ routes, host }: RouteTableSetup, plan: RoutePlan): Promise<void> => {
    const result = await routes.apply(plan, live());
    expect(host.surprises).toEqual([]);
    result._unsafeUnwrap();
  };
  const verified = async ({ routes, host }: RouteTableSetup, plan: RoutePlan): Promise<readonly string[]> => {
    const result = await routes.verify?.(plan, live());
    expect(host.surprises).toEqual([]);
    return result?._unsafeUnwrap() ?? ['nothing was verified'];
  };
  const ours = ({ host, protocol }: RouteTableSetup): readonly string[] =>
    host.kernel.routes
      .filter((route) => route.table === MAIN_TABLE && route.protocol === protocol)
      .sort((a, b) => a.metric - b.metric)
      .map((route) => `${route.metric} ${route.iface} ${route.gateway} ${route.source}`);
  const put = ({ host, metric }: RouteTableSetup, route: Partial<FakeRoute>): void => {
    const base = { table: MAIN_TABLE, type: null, destination: 'default', iface: 'eth1', gateway: null, source: null };
    host.kernel.routes.push({ ...base, metric, protocol: 9, ...route });
  };

  describe(`${name} keeps the route table contract`, () => {
    it('sets the default route and the standbys behind it, in order', async () => {
      const given = setup();

      await applied(given, BY_HE);

      expect(ours(given)).toEqual([
        `${given.metric} he0 null 2001:db8:1::2`,
        `${given.metric + 10} wg0 null 2001:db8:2::2`,
        `${given.metric + 20} eth1 fe80::1 2001:db8:3::2`,
      ]);
    });

    it('changes nothing when told the same plan twice', async () => {
      const given = setup();
      await applied(given, BY_HE);
      const changes = given.host.changes;

      await applied(given, BY_HE);

      expect(given.host.changes).toBe(changes);
    });

    it('switches without a moment in which no default of ours is there', async () => {
      const given = setup();
      await applied(given, BY_HE);
      const before = given.host.moments.length;

      await applied(given, BY_ETH);

      expect(ours(given)).toEqual([
        `${given.metric} eth1 fe80::1 2001:db8:3::2`,
        `${given.metric + 10} he0 null 2001:db8:1::2`,
      ]);
      for (const moment of given.host.moments.slice(before)) expect(moment).toContain(`metric ${given.metric} proto`);
    });

    it('removes all of ours, and nothing else, when there is to be no route', async () => {
      const given = setup();
      put(given, { metric: 1024, gateway: 'fe80::9' });
      const before = `${given.host}`;
      await applied(given, BY_HE);

      await applied(given, NOTHING);

      expect(`${given.host}`).toBe(before);
    });

    it('clears up what it does not know of: older metrics, several of one metric', async () => {
      for (const plan of [BY_HE, BY_ETH, NOTHING]) {
        const clean = setup();
        await applied(clean, plan);
        const given = setup();
        const mine = { protocol: given.protocol };
        put(given, { ...mine, metric: 50, iface: 'he0' });
        put(given, { ...mine, iface: 'wg0' });
        put(given, { ...mine, iface: 'eth1' });
        put(given, { ...mine, metric: given.metric + 10, iface: 'he0' });

        await applied(given, plan);

        expect(`${given.host}`).toBe(`${clean.host}`);
      }
    });

    it('leaves routes of others alone, also where a standby would go', async () => {
      const given = setup();
      put(given, { metric: given.metric + 10, gateway: 'fe80::9' });
      put(given, { metric: given.metric + 20, destination: '2001:db8:4::/48' });
      const before = `${given.host}`.split('\n');

      await applied(given, BY_HE);
      await applied(given, BY_ETH);

      for (const moment of given.host.moments) expect(moment.split('\n')).toEqual(expect.arrayContaining(before));
      expect(ours(given).map((route) => route.split(' ')[0])).toEqual([`${given.metric}`, `${given.metric + 20}`]);
    });

    it('takes a smaller metric while a route of others is exactly where ours would go, and comes back', async () => {
      const given = setup();
      const theirs = { iface: 'wg0', gateway: 'fe80::9' };
      put(given, theirs);
      put(given, { ...theirs, metric: given.metric - 1 });
      const before = `${given.host}`.split('\n');

      await applied(given, BY_ETH);

      const [first, standby] = [`eth1 fe80::1 2001:db8:3::2`, `${given.metric + 10} he0 null 2001:db8:1::2`];
      expect(ours(given)).toEqual([`${given.metric - 2} ${first}`, standby]);
      for (const moment of given.host.moments) expect(moment.split('\n')).toEqual(expect.arrayContaining(before));
      const kept = given.host.kernel.routes.filter((route) => route.protocol !== 9);
      given.host.kernel.routes.splice(0, Number.POSITIVE_INFINITY, ...kept);
      await applied(given, BY_ETH);
      expect(ours(given)).toEqual([`${given.metric} ${first}`, standby]);
    });

    it('says so, and changes nothing, when routes of others are wherever ours could go', async () => {
      const given = setup();
      for (let metric = given.metric; metric > given.metric - 100; metric -= 1) put(given, { metric });
      const before = `${given.host}`;

      const error = (await given.routes.apply(BY_HE, live()))._unsafeUnwrapErr();

      expect(error).toMatchObject({ kind: 'command_failed', stderr: expect.stringContaining('not ours') });
      expect(`${given.host}`).toBe(before);
    });

    it('names an interface that is not there', async () => {
      const given = setup();

      const result = await given.routes.apply({ via: { ...HE, iface: 'he7' }, standbys: [] }, live());

      expect(result._unsafeUnwrapErr()).toEqual({ kind: 'interface_missing', iface: 'he7' });
    });

    it('returns promptly once aborted, with an error and without rejecting', async () => {
      const given = setup();
      given.host.hang(true);
      const call = new AbortController();
      const pending = given.routes.apply(BY_HE, call.signal);

      const since = performance.now();
      call.abort();

      expect((await pending)._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
      expect(performance.now() - since).toBeLessThan(PROMPTLY);
    });

    // A route table without it is only made right by the next plan.
    if (setup().routes.verify !== undefined) {
      it('puts back each default of ours that somebody removes, and names it', async () => {
        const clean = setup();
        await applied(clean, BY_HE);
        const goal = `${clean.host}`;
        const mine = clean.host.kernel.routes.filter((route) => route.protocol === clean.protocol);
        expect(mine).toHaveLength(3);

        for (const route of mine) {
          const given = setup();
          await applied(given, BY_HE);
          given.host.kernel.removeRoute(route);

          const restored = await verified(given, BY_HE);

          expect(`${given.host}`).toBe(goal);
          expect(restored).toEqual([`default route via ${route.iface} (metric ${route.metric})`]);
        }
      });

      it('takes away what of ours the plan does not have, and says so', async () => {
        const given = setup();
        await applied(given, BY_ETH);
        const goal = `${given.host}`;
        put(given, { protocol: given.protocol, iface: 'wg0', metric: 50 });

        expect(await verified(given, BY_ETH)).toEqual(['no default route via wg0 (metric 50)']);

        expect(`${given.host}`).toBe(goal);
      });

      it('says where ours went when somebody else has taken its place, and when it is back', async () => {
        const given = setup();
        await applied(given, BY_ETH);
        const place = given.host.kernel.routes.findIndex((route) => route.metric === given.metric);
        const theirs = { ...given.host.kernel.routes[place], iface: 'wg0', gateway: null, source: null, protocol: 9 };
        given.host.kernel.routes.splice(place, 1);
        put(given, theirs);

        expect(await verified(given, BY_ETH)).toEqual([`default route via eth1 (metric ${given.metric - 1})`]);
        expect(await verified(given, BY_ETH)).toEqual([]);
        const left = given.host.kernel.routes.filter((route) => route.protocol !== 9);
        given.host.kernel.routes.splice(0, Number.POSITIVE_INFINITY, ...left);

        expect(await verified(given, BY_ETH)).toContain(`default route via eth1 (metric ${given.metric})`);
        expect(ours(given)[0]).toBe(`${given.metric} eth1 fe80::1 2001:db8:3::2`);
      });

      it('changes nothing by verifying what is right, for whatever plan', async () => {
        for (const plan of [BY_HE, BY_ETH, NOTHING]) {
          const given = setup();
          await applied(given, plan);
          const changes = given.host.changes;

          expect(await verified(given, plan)).toEqual([]);

          expect(given.host.changes).toBe(changes);
        }
      });
    }

    it('is right whenever it says so, and recovers, with a failure at every step', async () => {
      const clean = setup();
      await applied(clean, BY_HE);
      await applied(clean, BY_ETH);
      const [goal, steps] = [`${clean.host}`, clean.host.log.length];

      for (let nth = 0; nth < steps; nth += 1) {
        for (const moment of MOMENTS) {
          const given = setup();
          await applied(given, BY_HE);
          given.host.failNth(nth, moment);
          const said = await given.routes.apply(BY_ETH, live());

          if (said.isOk()) expect(`${given.host}`, `step ${nth} failing ${moment}`).toBe(goal);
          given.host.failNothing();
          await applied(given, BY_ETH);
          expect(`${given.host}`, `after step ${nth} failed ${moment}`).toBe(goal);
        }
      }
    });
  });
}

/** Nobody aborts this one. */
const live = (): AbortSignal => new AbortController().signal;

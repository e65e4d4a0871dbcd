import { describeDriverError, ROUTING_DEFAULTS } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { type IpBatch, spawnedBatch } from './ip-batch.js';
import { MOVE_WINDOW, MOVES_AT_MOST } from './moves.js';
import { policyRouting } from './policy-routing.js';
import { FakeHost } from './testing/fake-host.js';
import type { FakeRule } from './testing/fake-kernel.js';

const live = (): AbortSignal => new AbortController().signal;
const { ruleBase } = ROUTING_DEFAULTS;

const target = (iface: string, index = 1) => ({
  iface,
  address: `2001:db8:${index}::2`,
  prefixLength: 64,
  gateway: null,
});

/** What `ip -6 rule add` without a preference does (fib_default_rule_pref). */
function addAhead(host: FakeHost, rule: Partial<FakeRule>): number {
  const prefs = host.kernel.rules.map(({ pref }) => pref).sort((a, b) => a - b);
  const pref = Math.max(0, (prefs[1] ?? 0) - 1);
  host.kernel.addRule({ from: null, oif: null, table: 51_820, protocol: null, ...rule, pref });
  return pref;
}

const prefsOf = (host: FakeHost, iface: string): readonly number[] => {
  const table = host.kernel.rules.find((rule) => rule.oif === iface)?.table;
  return host.kernel.rules.filter((rule) => rule.table === table).map((rule) => rule.pref);
};

async function raised(...ifaces: string[]) {
  const host = new FakeHost();
  let now = 0;
  const policy = policyRouting({ runner: host, routing: ROUTING_DEFAULTS, now: () => now });
  for (const [index, iface] of ifaces.entries()) {
    host.kernel.addLink(iface, { up: true });
    (await policy.install(target(iface, index), live()))._unsafeUnwrap();
  }
  const pass = (ms: number): void => {
    now += ms;
  };
  return { host, policy, pass };
}

describe('rules of others that land ahead of ours', () => {
  it.each([
    ['wg-quick: everything that is not its own', { more: { not: null, fwmark: '0xca6c' } }],
    ['wg-quick: main without its default', { table: 254, more: { suppress_prefixlen: 0 } }],
    ['mullvad', { table: 1_836_018_789, more: { not: null, fwmark: '0x6d6f6c65' } }],
    ['everything', {}],
    ['a source around ours', { from: '2001:db8::/32' }],
    ['our source', { from: '2001:db8:0::/64' }],
    ['part of our source', { from: '2001:db8::2/128' }],
    ['all but another source', { from: '2001:db8:7::/64', more: { not: null } }],
    ['what this machine sends', { more: { iif: 'lo' } }],
  ])('are overtaken when they would take our packets: %s', async (_what, rule) => {
    const { host, policy } = await raised('tun0');
    const pref = addAhead(host, rule);
    const theirs = host.kernel.rules.at(-1);

    const restored = (await policy.repair(target('tun0', 0), live()))._unsafeUnwrap();

    expect(restored).toEqual([
      expect.stringMatching(`^rules of tun0 at preference ${pref - 1}, ahead of somebody else's rule ${pref} `),
    ]);
    expect(prefsOf(host, 'tun0')).toEqual([pref - 1, pref - 1]);
    expect(host.kernel.rules).toContain(theirs);
    const changes = host.changes;
    expect((await policy.repair(target('tun0', 0), live()))._unsafeUnwrap()).toEqual([]);
    expect(host.changes).toBe(changes);
  });

  it.each([
    ['their mark', { more: { fwmark: '0x6d6f6c65' } }],
    ['another interface', { oif: 'lan0' }],
    ['packets passing through', { more: { iif: 'lan0' } }],
    ['a destination', { more: { dst: '2001:db8:77::', dstlen: 48 } }],
    ['a port', { more: { ipproto: 'ipproto-6', dport: 22 } }],
    ['another source', { from: '2001:db8:7::/64' }],
    ['all but a source around ours', { from: '2001:db8::/32', more: { not: null } }],
    ['nobody', { table: 255 }],
  ])('are left in front when they are for %s', async (_whom, rule) => {
    const { host, policy } = await raised('tun0');
    addAhead(host, rule);
    const changes = host.changes;

    expect((await policy.repair(target('tun0', 0), live()))._unsafeUnwrap()).toEqual([]);

    expect(host.changes).toBe(changes);
  });

  it('are overtaken by all tunnels, which keep their tables, also after a restart of ours', async () => {
    const { host, policy } = await raised('tun0', 'tun1');
    const tables = (): readonly (number | undefined)[] =>
      ['tun0', 'tun1'].map((iface) => host.kernel.rules.find((rule) => rule.oif === iface)?.table);
    const before = tables();
    const first = addAhead(host, {});
    addAhead(host, { table: 254, more: { suppress_prefixlen: 0 } });
    for (const [index, iface] of ['tun0', 'tun1'].entries()) await policy.repair(target(iface, index), live());
    const changes = host.changes;

    const fresh = policyRouting({ runner: host, routing: ROUTING_DEFAULTS });
    for (const [index, iface] of ['tun0', 'tun1'].entries()) {
      expect((await fresh.repair(target(iface, index), live()))._unsafeUnwrap()).toEqual([]);
      (await fresh.install(target(iface, index), live()))._unsafeUnwrap();
    }

    expect(host.changes).toBe(changes);
    expect(tables()).toEqual(before);
    expect([...prefsOf(host, 'tun0'), ...prefsOf(host, 'tun1')]).toEqual(Array.from({ length: 4 }, () => first - 2));
    for (const iface of ['tun0', 'tun1']) (await fresh.remove(iface, live()))._unsafeUnwrap();
    expect(host.kernel.rules.filter((rule) => rule.protocol === 206)).toEqual([]);
  });

  it('share no number with ours, nor stand between them', async () => {
    const { host, policy } = await raised('tun0');
    const rule = { from: null, oif: null, table: 77, protocol: null };
    host.kernel.addRule({ ...rule, pref: ruleBase + 1 });
    host.kernel.addRule({ ...rule, pref: ruleBase, more: { fwmark: '0x1' } });

    await policy.repair(target('tun0', 0), live());

    expect(prefsOf(host, 'tun0')).toEqual([ruleBase - 1, ruleBase - 1]);
  });

  it('are stood behind again once they have gone', async () => {
    const { host, policy } = await raised('tun0');
    const goal = `${host}`;
    addAhead(host, {});
    const theirs = host.kernel.rules.at(-1);
    await policy.repair(target('tun0', 0), live());
    if (theirs !== undefined) host.kernel.removeRule(theirs);

    const restored = (await policy.repair(target('tun0', 0), live()))._unsafeUnwrap();

    expect(restored).toEqual([`rules of tun0 at preference ${ruleBase} again`]);
    expect(`${host}`).toBe(goal);
  });

  it('are overtaken from the start', async () => {
    const host = new FakeHost();
    host.kernel.addLink('tun0', { up: true });
    host.kernel.addRule({ pref: 105, from: null, oif: null, table: 254, protocol: null });

    (await policyRouting({ runner: host, routing: ROUTING_DEFAULTS }).install(target('tun0'), live()))._unsafeUnwrap();

    expect(prefsOf(host, 'tun0')).toEqual([104, 104]);
  });

  it('never leave a moment in which our packets have no rule', async () => {
    const { host, policy } = await raised('tun0');
    addAhead(host, {});
    const before = host.moments.length;

    await policy.repair(target('tun0', 0), live());

    for (const moment of host.moments.slice(before)) expect(moment).toMatch(/from 2001:db8:0::2\/64 .* proto 206/);
  });

  it('are not chased for ever by ours, and all else is still repaired', async () => {
    const { host, policy, pass } = await raised('tun0');
    const moved = async () => {
      addAhead(host, { table: 10_000 + host.kernel.rules.length });
      pass(1_000);
      return policy.repair(target('tun0', 0), live());
    };
    for (let times = 0; times < MOVES_AT_MOST; times += 1) expect((await moved()).isOk()).toBe(true);
    const places = prefsOf(host, 'tun0');
    const guard = host.kernel.routes.find((route) => route.type === '7');
    if (guard !== undefined) host.kernel.removeRoute(guard);

    const error = (await moved())._unsafeUnwrapErr();

    expect(describeDriverError(error)).toMatch(/keeps being put ahead of ours: moved ours 5 times within 60 s/);
    expect(prefsOf(host, 'tun0')).toEqual(places);
    expect(host.kernel.routes.some((route) => route.type === '7')).toBe(true);
    pass(MOVE_WINDOW);
    expect((await moved()).isOk()).toBe(true);
  });

  it('cannot be overtaken at the very front: says which one it is and changes nothing', async () => {
    const { host, policy } = await raised('tun0');
    host.kernel.addRule({ pref: 1, from: null, oif: null, table: 77, protocol: null });
    const before = `${host}`;

    const failed = await policy.repair(target('tun0', 0), live());
    const refused = await policy.install(target('tun0', 0), live());

    for (const result of [failed, refused]) {
      expect(describeDriverError(result._unsafeUnwrapErr())).toMatch(/no rule number is free ahead of rule 1 /);
    }
    expect(`${host}`).toBe(before);
  });
});

describe('what is found again when our rules are gone', () => {
  it('is the table, by its routes, also after a restart of ours', async () => {
    const { host } = await raised('tun0', 'tun1');
    const goal = `${host}`;
    for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
    const fresh = policyRouting({ runner: host, routing: ROUTING_DEFAULTS });

    const restored = (await fresh.repair(target('tun1', 1), live()))._unsafeUnwrap();
    await fresh.repair(target('tun0', 0), live());

    expect(restored).toEqual(['rule oif tun1', 'rule from 2001:db8:1::2/64']);
    expect(`${host}`).toBe(goal);
  });

  it('is not given to a newcomer', async () => {
    const { host } = await raised('tun0');
    for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
    host.kernel.addLink('tun1', { up: true });
    const fresh = policyRouting({ runner: host, routing: ROUTING_DEFAULTS });

    (await fresh.install(target('tun1', 1), live()))._unsafeUnwrap();
    await fresh.repair(target('tun0', 0), live());

    const tableOf = (iface: string) => host.kernel.rules.find((rule) => rule.oif === iface)?.table;
    expect([tableOf('tun0'), tableOf('tun1')]).toEqual([ROUTING_DEFAULTS.tableBase, ROUTING_DEFAULTS.tableBase + 1]);
  });

  it('is not a table that somebody else has filled since, when nothing says any more that it was ours', async () => {
    const { host } = await raised('tun0');
    for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
    const [guard] = host.kernel.routes.splice(0);
    const theirs = { type: null, iface: 'tun0', gateway: null, source: null, metric: 1_024, protocol: 9 };
    host.kernel.addRoute({ ...theirs, table: guard?.table ?? 0, destination: '2001:db8:99::/48' });
    const fresh = policyRouting({ runner: host, routing: ROUTING_DEFAULTS });

    expect((await fresh.repair(target('tun0', 0), live()))._unsafeUnwrap()).toHaveLength(5);

    const { table } = host.kernel.rules.find((rule) => rule.oif === 'tun0') ?? {};
    expect(table).toBe(ROUTING_DEFAULTS.tableBase + 1);
  });

  it('is removed without them', async () => {
    const { host, policy } = await raised('tun0');
    for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);

    (await policy.remove('tun0', live()))._unsafeUnwrap();

    expect(host.kernel.routes).toEqual([]);
  });
});

describe('the co-process that carries repairs', () => {
  /** Answers as if all went well, or ill, and does only every nth command. */
  function careless(host: FakeHost, nth: number, exitCode: number) {
    const asked: (readonly string[])[] = [];
    const sound = spawnedBatch(host);
    const run: IpBatch['run'] = (commands, signal) => {
      const done = commands.filter((_, index) => (asked.length + index) % nth === 0);
      asked.push(...commands);
      return sound
        .run(done, signal)
        .map(() => commands.map((command) => ({ exitCode: done.includes(command) ? 0 : exitCode, ...SILENT })));
    };
    return { asked, batch: { run, close: async () => {} } };
  }
  const SILENT = { stdout: '', stderr: '' };

  it.each([
    ['says so', 2, 2],
    ['says that it did', 2, 0],
    ['does nothing of it', 99, 2],
  ])(
    'does not have to be right: what it left undone is done by a fresh `ip` when it %s',
    async (_how, nth, exitCode) => {
      const { host } = await raised('tun0');
      const goal = `${host}`;
      host.kernel.routes.splice(0);
      for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
      const { asked, batch } = careless(host, nth, exitCode);
      const policy = policyRouting({ runner: host, routing: ROUTING_DEFAULTS, batch });

      const phrases = (await policy.repair(target('tun0', 0), live()))._unsafeUnwrap();

      expect(`${host}`).toBe(goal);
      expect(asked).toHaveLength(5);
      expect(new Set(phrases).size).toBe(5);
    },
  );

  it('takes no old rule away before the new ones are there', async () => {
    const { host } = await raised('tun0');
    addAhead(host, {});
    const { asked, batch } = careless(host, 99, 2);
    const policy = policyRouting({ runner: host, routing: ROUTING_DEFAULTS, batch });
    const before = host.moments.length;

    (await policy.repair(target('tun0', 0), live()))._unsafeUnwrap();

    expect(asked.map(([, verb]) => verb)).toEqual(['add', 'add']);
    for (const moment of host.moments.slice(before)) expect(moment).toMatch(/from 2001:db8:0::2\/64 .* proto 206/);
  });
});

describe('eight tunnels that are repaired together', () => {
  it('are looked at once, not one by one', async () => {
    const ifaces = Array.from({ length: 8 }, (_, index) => `tun${index}`);
    const { host, policy } = await raised(...ifaces);
    const goal = `${host}`;
    const looks = (since: number): number =>
      host.log.slice(since).filter((argv) => argv.includes('show') && argv.includes('rule')).length;
    const repairAll = () => Promise.all(ifaces.map((iface, index) => policy.repair(target(iface, index), live())));

    const quiet = host.log.length;
    for (const result of await repairAll()) expect(result._unsafeUnwrap()).toEqual([]);
    expect(looks(quiet)).toBe(1);

    host.kernel.routes.splice(0);
    for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
    const robbed = host.log.length;
    for (const result of await repairAll()) expect(result._unsafeUnwrap()).toHaveLength(5);
    expect(`${host}`).toBe(goal);
    // One to see what is missing; the others to see that it is back, some of them together.
    expect(looks(robbed)).toBeLessThan(1 + ifaces.length);
  });
});

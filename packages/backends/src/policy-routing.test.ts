import { ROUTING_DEFAULTS } from '@hurricane/core';
import { okAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { CommandRunner } from './command.js';
import { PROTOCOL } from './ip.js';
import { policyRouting } from './policy-routing.js';
import { SLOTS } from './slots.js';
import { FakeHost } from './testing/fake-host.js';

const live = (): AbortSignal => new AbortController().signal;
const { tableBase, ruleBase } = ROUTING_DEFAULTS;

const hostWith = (...links: string[]): FakeHost => {
  const host = new FakeHost();
  for (const link of links) host.kernel.addLink(link, { up: true });
  return host;
};
const policyOn = (host: FakeHost) => policyRouting({ runner: host, routing: ROUTING_DEFAULTS });
const target = (iface: string, index = 1) => ({
  iface,
  address: `2001:db8:${index}::2`,
  prefixLength: 64,
  gateway: null,
});
const tableOf = (host: FakeHost, iface: string): number | undefined =>
  host.kernel.rules.find((rule) => rule.oif === iface)?.table;

describe('policy routing', () => {
  it('gives tunnels that come up at once tables and rules of their own', async () => {
    const links = Array.from({ length: 8 }, (_, i) => `tun${i}`);
    const host = hostWith(...links);
    const policy = policyOn(host);

    const results = await Promise.all(links.map((link, i) => policy.install(target(link, i), live())));

    expect(results.every((result) => result.isOk())).toBe(true);
    expect(new Set(links.map((link) => tableOf(host, link))).size).toBe(8);
    const prefs = host.kernel.rules.map((rule) => rule.pref);
    expect(new Set(prefs).size).toBe(prefs.length);
  });

  it('keeps a tunnel in its table across a restart, also when a lower one has become free', async () => {
    const host = hostWith('tun0', 'tun1');
    const first = policyOn(host);
    await first.install(target('tun0', 0), live());
    await first.install(target('tun1', 1), live());
    await first.remove('tun0', live());
    const changes = host.changes;

    (await policyOn(host).install(target('tun1', 1), live()))._unsafeUnwrap();

    expect(host.changes).toBe(changes);
    expect(tableOf(host, 'tun1')).toBe(tableBase + 1);
  });

  it('takes a rule that is there though no look has shown it for what was wanted', async () => {
    const host = hostWith('tun0');
    await policyOn(host).install(target('tun0'), live());
    const before = `${host}`;
    // A look that shows nothing of it, once.
    let blind = ['rule', 'route'];
    const runner: CommandRunner = {
      run: (argv, signal) => {
        const what = blind.find((object) => argv.includes(object) && argv.includes('show'));
        if (what === undefined) return host.run(argv, signal);
        blind = blind.filter((object) => object !== what);
        return okAsync({ exitCode: 0, stdout: '[]', stderr: '' });
      },
    };

    (await policyRouting({ runner, routing: ROUTING_DEFAULTS }).install(target('tun0'), live()))._unsafeUnwrap();

    expect(`${host}`).toBe(before);
  });

  it('gives a freed table to the next tunnel', async () => {
    const host = hostWith('tun0', 'tun1');
    const policy = policyOn(host);
    await policy.install(target('tun0', 0), live());
    await policy.remove('tun0', live());

    await policy.install(target('tun1', 1), live());

    expect(tableOf(host, 'tun1')).toBe(tableBase);
  });

  it('stays away from tables and preferences that others use', async () => {
    const host = hostWith('tun0', 'lan0');
    const rule = { from: null, oif: null, protocol: null };
    host.kernel.addRule({ ...rule, pref: 20, table: tableBase });
    host.kernel.addRule({ ...rule, pref: ruleBase + 3, table: 77 });
    const route = { type: null, iface: 'lan0', gateway: null, source: null, metric: 1024, protocol: 4 };
    host.kernel.replaceRoute({ ...route, table: tableBase + 2, destination: 'default' });

    (await policyOn(host).install(target('tun0'), live()))._unsafeUnwrap();

    expect(tableOf(host, 'tun0')).toBe(tableBase + 3);
  });

  it('removes exactly its own when the interface has already gone', async () => {
    const host = hostWith('tun0');
    const before = `${hostWith()}`;
    (await policyOn(host).install(target('tun0'), live()))._unsafeUnwrap();
    host.kernel.removeLink('tun0');
    expect(`${host}`, 'the guard outlives the interface').toContain(' 7 default ');

    (await policyOn(host).remove('tun0', live()))._unsafeUnwrap();

    expect(`${host}`).toBe(before);
  });

  it('holds packets before there is a way for them, and is undone by a removal', async () => {
    const host = hostWith('tun0');
    const before = `${host}`;
    const policy = policyOn(host);

    expect((await policy.hold(target('tun0'), live()))._unsafeUnwrap()).toBe(true);

    const table = tableOf(host, 'tun0');
    expect(host.kernel.rules.some((rule) => rule.from === '2001:db8:1::2/64' && rule.table === table)).toBe(true);
    expect(host.kernel.routes.map(({ type, destination }) => [type, destination])).toEqual([['7', 'default']]);
    (await policy.remove('tun0', live()))._unsafeUnwrap();
    expect(`${host}`).toBe(before);
  });

  it('holds nothing that is in its table already, and what it holds is installed as ever', async () => {
    const [host, clean] = [hostWith('tun0'), hostWith('tun0')];
    (await policyOn(clean).install(target('tun0'), live()))._unsafeUnwrap();
    const policy = policyOn(host);
    await policy.hold(target('tun0'), live());
    (await policy.install(target('tun0'), live()))._unsafeUnwrap();
    expect(`${host}`).toBe(`${clean}`);
    const changes = host.changes;

    expect((await policyOn(host).hold(target('tun0'), live()))._unsafeUnwrap()).toBe(false);

    expect(host.changes).toBe(changes);
  });

  it('has sockets look for their way again after its guard was gone', async () => {
    const host = hostWith('tun0');
    const policy = policyOn(host);
    (await policy.install(target('tun0'), live()))._unsafeUnwrap();
    const goal = `${host}`;
    host.kernel.routes.splice(0);
    const done = host.log.length;

    await policy.repair(target('tun0'), live());

    const both = `pref ${ruleBase} from 2001:db8:1::2/64 oif tun0 lookup ${tableBase} protocol ${PROTOCOL}`;
    const said = host.log
      .slice(done)
      .map((argv) => argv.join(' '))
      .filter((line) => !line.includes(' show'));
    expect(said.slice(-2)).toEqual([`ip -N -j -6 rule add ${both}`, `ip -N -j -6 rule del ${both}`]);
    expect(`${host}`).toBe(goal);
  });

  it('repairs what somebody has taken away', async () => {
    const host = hostWith('tun0');
    const policy = policyOn(host);
    (await policy.install(target('tun0'), live()))._unsafeUnwrap();
    const goal = `${host}`;

    for (const list of [host.kernel.rules, host.kernel.routes] as unknown[][]) {
      for (let i = 0; i < list.length; i += 1) {
        // The kernel's own two rules are nobody's to repair.
        if (list === host.kernel.rules && (list[i] as { protocol: number | null }).protocol !== PROTOCOL) continue;
        list.splice(i, 1);
        (await policy.install(target('tun0'), live()))._unsafeUnwrap();
        expect(`${host}`).toBe(goal);
      }
    }
  });

  it('clears an older table of the same tunnel, as after a change of "table_base"', async () => {
    const host = hostWith('tun0');
    const old = policyRouting({ runner: host, routing: { ...ROUTING_DEFAULTS, tableBase: 300, ruleBase: 4_000 } });
    (await old.install(target('tun0'), live()))._unsafeUnwrap();

    (await policyOn(host).install(target('tun0'), live()))._unsafeUnwrap();

    expect(`${host}`).not.toContain('table 300');
    expect(`${host}`).not.toContain('route 300');
    expect(tableOf(host, 'tun0')).toBe(tableBase);
  });

  it('follows a change of gateway and of address', async () => {
    const host = hostWith('tun0');
    const policy = policyOn(host);
    (await policy.install(target('tun0'), live()))._unsafeUnwrap();
    const moved = { ...target('tun0', 9), gateway: 'fe80::1' };

    (await policy.install(moved, live()))._unsafeUnwrap();

    const clean = hostWith('tun0');
    (await policyOn(clean).install(moved, live()))._unsafeUnwrap();
    expect(`${host}`).toBe(`${clean}`);
  });

  it.each([0, 129])('refuses a prefix length of %i', async (prefixLength) => {
    const host = hostWith('tun0');

    const result = await policyOn(host).install({ ...target('tun0'), prefixLength }, live());

    expect(result._unsafeUnwrapErr()).toMatchObject({ kind: 'misconfigured', setting: 'prefix_len' });
    expect(host.changes).toBe(0);
  });

  it('says so when every table is taken', async () => {
    const links = Array.from({ length: SLOTS + 1 }, (_, i) => `tun${i}`);
    const host = hostWith(...links);
    const policy = policyOn(host);

    const results = await Promise.all(links.map((link, i) => policy.install(target(link, i), live())));

    expect(results.filter((result) => result.isErr()).map((result) => result._unsafeUnwrapErr().kind)).toEqual([
      'unsupported',
    ]);
  });
});

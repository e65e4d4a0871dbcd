import { type ConfigOf, ROUTING_DEFAULTS } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { Finished, SpawnError } from './command.js';
import { type IpBatch, spawnedBatch } from './ip-batch.js';
import { linuxDrivers } from './linux-host.js';
import { FakeHost } from './testing/fake-host.js';
import { fakeConf } from './testing/fake-wireguard.js';

const live = (): AbortSignal => new AbortController().signal;

const base = { name: 't', iface: 'tun0', enabled: true, priority: 0, address: null, prefixLength: 64 };
const wg: ConfigOf<'wireguard'> = { ...base, type: 'wireguard' };
const he: ConfigOf<'he_6in4'> = {
  ...{ ...base, type: 'he_6in4', iface: 'he0', address: '2001:db8:1::2' },
  ...{ endpoint: '203.0.113.1', local: null, mtu: null },
};
const [FIRST, SECOND] = ['2001:db8:2::2/128', '2001:db8:2::3/128'];

type Broken = (commands: readonly (readonly string[])[]) => Result<readonly Finished[], SpawnError>;

/** A host whose co-process works, and what it was asked to change. `up`: as far as this process has raised it. */
async function hostWithBatch(isRaised = true, broken: Broken | null = null) {
  const host = new FakeHost({ wireguard: { tun0: fakeConf([FIRST, SECOND]) } });
  const changed: string[] = [];
  const sound = spawnedBatch(host);
  const run: IpBatch['run'] = (commands, signal) => {
    changed.push(...commands.map((words) => words.join(' ')).filter((line) => !line.includes('show')));
    return broken === null ? sound.run(commands, signal) : new ResultAsync(Promise.resolve(broken(commands)));
  };
  const { wireguardFiles } = host;
  const start = (batch: IpBatch) =>
    linuxDrivers({ routing: ROUTING_DEFAULTS, runner: host, processes: host, wireguardFiles, batch }).wireguard;
  const driver = start({ run, close: async () => {} });
  (await (isRaised ? driver : start(sound)).up(wg, live()))._unsafeUnwrap();
  const repair = async (): Promise<readonly string[]> => (await driver.repair?.(wg, live()))?._unsafeUnwrap() ?? ['?'];
  return { host, repair, changed, goal: `${host}` };
}

function rob(host: FakeHost): void {
  for (const rule of host.kernel.rules.filter(({ protocol }) => protocol === 206)) host.kernel.removeRule(rule);
  host.kernel.routes.splice(0);
}

describe('first aid', () => {
  it('puts rules and routes back before a program is started, and names each once', async () => {
    const { host, repair, changed, goal } = await hostWithBatch();
    rob(host);
    const since = host.log.length;

    expect(await repair()).toHaveLength(4);

    expect(`${host}`).toBe(goal);
    expect(changed).toHaveLength(4);
    const last = host.log.map((argv) => argv.includes('add') || argv.includes('replace')).lastIndexOf(true);
    const programs = host.log.slice(since, last).filter((argv) => argv.includes('-d') || argv[0] !== 'ip');
    expect(programs).toEqual([]);
  });

  it('makes no rules for another address while the one of the tunnel is missing', async () => {
    const { host, repair, changed, goal } = await hostWithBatch();
    rob(host);
    host.kernel.links.get('tun0')?.addresses.delete(FIRST);

    const phrases = await repair();

    expect(`${host}`).toBe(goal);
    expect(phrases.filter((phrase) => phrase.includes('from'))).toEqual([`rule from ${FIRST}`]);
    expect(changed.join()).not.toContain(SECOND);
  });

  it('looks at what others have in a table before it takes that for ours again, after a restart', async () => {
    const { host, repair, goal } = await hostWithBatch(false);
    rob(host);
    const since = host.log.length;

    await repair();

    expect(`${host}`).toBe(goal);
    const first = host.log.slice(since).findIndex((argv) => argv.includes('add') || argv.includes('replace'));
    expect(host.log.slice(since, since + first).some((argv) => argv.includes('900'))).toBe(true);
  });

  it('is not missed where there is no co-process to give it', async () => {
    for (const answer of ['fails', 'is half an answer']) {
      const { host, repair, goal } = await hostWithBatch(true, (commands) =>
        answer === 'fails'
          ? err({ kind: 'timed_out', after: 10 })
          : ok(commands.map(([object]) => ({ exitCode: object === 'rule' ? 2 : 0, stdout: '', stderr: '' }))),
      );
      rob(host);

      expect(await repair(), answer).toHaveLength(4);

      expect(`${host}`, answer).toBe(goal);
    }
  });

  it.each([
    ['that is down', (host: FakeHost) => Object.assign(host.kernel.links.get('tun0') ?? {}, { up: false })],
    [
      'that is not ours any more',
      (host: FakeHost) => Object.assign(host.kernel.links.get('tun0') ?? {}, { alias: '' }),
    ],
    ['that has gone', (host: FakeHost) => host.kernel.removeLink('tun0')],
  ])('is none for an interface %s', async (_which, spoil) => {
    const { host, repair, changed } = await hostWithBatch();
    rob(host);
    spoil(host);
    const asked = changed.length;
    const first = host.log.length;

    await repair();

    const firstLook = host.log.slice(first).findIndex((argv) => argv.includes('-d'));
    const early = host.log.slice(first, first + firstLook).filter((argv) => !argv.includes('show'));
    expect(early).toEqual([]);
    expect(changed.length - asked === 0 || host.kernel.links.get('tun0')?.alias === '').toBe(true);
  });

  it('of a 6in4 tunnel leads through an interface of ours only, and says what it did', async () => {
    const host = new FakeHost();
    const batch = spawnedBatch(host);
    const driver = linuxDrivers({ routing: ROUTING_DEFAULTS, runner: host, processes: host, batch }).he_6in4;
    (await driver.up(he, live()))._unsafeUnwrap();
    rob(host);
    expect((await driver.repair?.(he, live()))?._unsafeUnwrap()).toHaveLength(5);

    rob(host);
    host.kernel.removeLink('he0');
    host.kernel.addLink('he0', {
      kind: 'sit',
      up: true,
      remote: '203.0.113.9',
      addresses: new Map([['fe80::9/64', []]]),
    });
    const before = `${host}`;
    expect((await driver.repair?.(he, live()))?._unsafeUnwrapErr()).toMatchObject({ kind: 'interface_taken' });

    expect(`${host}`).toBe(before);
  });
});

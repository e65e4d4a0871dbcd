import { describe, expect, it } from 'vitest';
import type { CommandRunner } from './command.js';
import { hostLooks } from './host-looks.js';
import { type IpBatch, spawnedBatch } from './ip-batch.js';
import { FakeHost } from './testing/fake-host.js';

const live = (): AbortSignal => new AbortController().signal;
const isForAll = (argv: readonly string[]): boolean => argv.includes('addr') && !argv.includes('dev');

function hostWithLinks(): FakeHost {
  const host = new FakeHost();
  host.kernel.addLink('he0', {
    kind: 'sit',
    up: true,
    remote: '203.0.113.1',
    addresses: new Map([['2001:db8::2/64', []]]),
  });
  host.kernel.addLink('wg0', { kind: 'wireguard', up: true, alias: 'v6-gatewayd:0123' });
  return host;
}

describe('looks that are shared', () => {
  it('read one interface by itself, and several as all there are', async () => {
    const host = hostWithLinks();
    const looks = hostLooks(host);

    const alone = (await looks.interface('he0', live()))._unsafeUnwrap();
    expect(host.log).toHaveLength(1);
    expect(host.log.some(isForAll)).toBe(false);

    const names = ['he0', 'wg0', 'nosuch0', 'he0'];
    const found = await Promise.all(names.map((name) => looks.interface(name, live())));
    expect(host.log).toHaveLength(2);
    expect(host.log.some(isForAll)).toBe(true);
    const [he, wg, none, again] = found.map((each) => each._unsafeUnwrap());
    expect(he).toEqual({ ...alone, counters: null });
    expect(again).toEqual(he);
    expect(wg).toMatchObject({ name: 'wg0', alias: 'v6-gatewayd:0123', up: true });
    expect(none).toBeNull();
  });

  it('read each by itself on a host that has too many to be read at once', async () => {
    const host = hostWithLinks();
    const runner: CommandRunner = {
      run: (argv, signal) => {
        if (isForAll(argv)) host.failNth(0, 'before');
        return host.run(argv, signal);
      },
    };
    const looks = hostLooks(runner);

    const found = await Promise.all(['he0', 'wg0', 'nosuch0'].map((name) => looks.interface(name, live())));

    expect(found.map((each) => each._unsafeUnwrap()?.name ?? null)).toEqual(['he0', 'wg0', null]);
    expect(host.log).toHaveLength(4);
  });

  it('are no glance without a co-process, nor with half an answer: what is not seen would be passed over', async () => {
    const host = hostWithLinks();
    const sound = spawnedBatch(host);
    const without = (object: string | null): IpBatch => ({
      run: (commands, signal) =>
        sound
          .run(commands, signal)
          .map((answers) => answers.map((each, i) => (commands[i]?.[0] === object ? { ...each, exitCode: 2 } : each))),
      close: async () => {},
    });
    const glance = async (batch?: IpBatch) => (await hostLooks(host, batch).glance(live()))._unsafeUnwrap();

    expect([...((await glance(without(null)))?.interfaces.keys() ?? [])]).toEqual(['eth0', 'he0', 'wg0']);
    for (const object of ['addr', 'rule', 'route']) expect(await glance(without(object)), object).toBeNull();
    expect(await glance()).toBeNull();
  });
});

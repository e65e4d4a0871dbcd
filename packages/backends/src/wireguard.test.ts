import { type ConfigOf, describeDriverError, type Logger, ROUTING_DEFAULTS } from '@hurricane/core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandRunner } from './command.js';
import { policyRouting } from './policy-routing.js';
import { FakeHost, type FakeHostOptions } from './testing/fake-host.js';
import { FAKE_PRIVATE_KEY, FAKE_PUBLIC_KEY, FAKE_SHARED_KEY, fakeConf, peerLine } from './testing/fake-wireguard.js';
import type { WireguardReading } from './wg-reading.js';
import { type WireguardDeps, wireguard } from './wireguard.js';

const live = (): AbortSignal => new AbortController().signal;

const tunnel: ConfigOf<'wireguard'> = {
  type: 'wireguard',
  name: 'wg',
  iface: 'wg0',
  enabled: true,
  priority: 0,
  address: null,
  prefixLength: 64,
};
const ADDRESS = '2001:db8:2::2/128';
const PATH = '/etc/wireguard/wg0.conf';

const said: string[] = [];
const logger: Logger = { log: (level, message) => said.push(`${level}: ${message}`) };
beforeEach(() => {
  said.length = 0;
});

const hostWith = (conf: string, options: FakeHostOptions = {}): FakeHost =>
  new FakeHost({ wireguard: { wg0: conf }, ...options });

/** As a process has it that has just started. */
function driverOn(host: FakeHost, more: Partial<WireguardDeps> = {}) {
  const policy = policyRouting({ runner: host, routing: ROUTING_DEFAULTS });
  const files = host.wireguardFiles;
  return wireguard({ runner: host, processes: host, policy, files, logger, userspace: 'wireguard-go', ...more });
}

const up = (host: FakeHost, more?: Partial<WireguardDeps>) => driverOn(host, more).up(tunnel, live());
const down = (host: FakeHost) => driverOn(host).down(tunnel, live());
const complaint = async (host: FakeHost): Promise<string> => describeDriverError((await up(host))._unsafeUnwrapErr());

describe('a WireGuard tunnel', () => {
  it('is read from its interface, and says what carries it', async () => {
    const inKernel = (await up(hostWith(fakeConf([ADDRESS]))))._unsafeUnwrap();
    const inProcess = (await up(hostWith(fakeConf([ADDRESS]), { wireguardModule: false })))._unsafeUnwrap();

    expect(inKernel).toMatchObject({
      ...{ link: 'up', address: '2001:db8:2::2', prefixLength: 128, mtu: 1420, gateway: null },
      ...{ carrier: 'wireguard (kernel)', endpoint: '203.0.113.7:51820', handshakeAge: null },
    });
    expect(inProcess).toMatchObject({ carrier: 'wireguard-go', address: '2001:db8:2::2' });
  });

  it('names the program that wg-quick was told to use', async () => {
    const host = hostWith(fakeConf([ADDRESS]), { wireguardModule: false });

    const reading = (await up(host, { userspace: '/usr/bin/boringtun-cli' }))._unsafeUnwrap();

    expect(reading.carrier).toBe('boringtun-cli');
  });

  it('gets routes from the gateway alone, whatever the file asks wg-quick for', async () => {
    const host = hostWith(fakeConf([ADDRESS]));

    (await up(host))._unsafeUnwrap();

    expect(host.kernel.rules.filter(({ table }) => table === 51_820)).toEqual([]);
    expect(host.wg.copies.size).toBe(0);
  });

  it('has nowhere else to send from its address from the moment it has it', async () => {
    const host = hostWith(fakeConf(['fd00:99::2/128', ADDRESS]));

    (await up(host))._unsafeUnwrap();

    const said = host.log.map((argv) => argv.join(' '));
    const raised = said.findIndex((line) => line.startsWith('wg-quick up'));
    const before = said.slice(0, raised);
    expect(before).toContainEqual(expect.stringMatching(/^ip -6 route replace unreachable default .*table 900/));
    expect(before).toContainEqual(expect.stringMatching(/^ip -6 rule add .*from 2001:db8:2::2\/128 .*900/));
  });

  it('sends to the IPv4 address of its endpoint’s name', async () => {
    const host = hostWith(fakeConf([ADDRESS], [], ['Endpoint = vpn.example.com:51820']));
    host.wg.names.set('vpn.example.com', '203.0.113.70');

    expect((await up(host))._unsafeUnwrap()).toMatchObject({ endpoint: '203.0.113.70:51820' });
  });

  it('is made anew when its file says something else, and only then', async () => {
    const host = hostWith(fakeConf([ADDRESS]));
    (await up(host))._unsafeUnwrap();
    const changes = host.changes;

    host.wg.confs.set('wg0', `# a remark\n${fakeConf([ADDRESS])}`);
    (await up(host))._unsafeUnwrap();
    expect(host.changes).toBe(changes);

    host.wg.confs.set('wg0', fakeConf(['2001:db8:2::9/128']));
    expect((await up(host))._unsafeUnwrap().address).toBe('2001:db8:2::9');
  });

  it.each([
    ['taken down', 'down'],
    ['taken down, its address kept (keep_addr_on_down)', 'kept'],
  ])('is made anew when it was %s', async (_, how) => {
    const host = hostWith(fakeConf([ADDRESS]));
    (await up(host))._unsafeUnwrap();
    const link = host.kernel.links.get('wg0');
    if (link === undefined) throw new Error('there is no wg0');
    if (how === 'down') host.kernel.setUp('wg0', link, false);
    else link.up = false;

    expect((await up(host))._unsafeUnwrap()).toMatchObject({ link: 'up', address: '2001:db8:2::2' });
    expect(host.kernel.links.get('wg0')).not.toBe(link);
  });

  it('is up however old its keys are: nobody agrees on new ones for an idle tunnel', async () => {
    const host = hostWith(fakeConf([ADDRESS]));
    (await up(host))._unsafeUnwrap();
    host.wg.peers.set('wg0', [
      peerLine('203.0.113.7:51820', '10.0.0.0/8', 999),
      peerLine('203.0.113.8:51820', '::/0', 1_000),
    ]);

    const driver = driverOn(host, { wall: () => 4_600 });
    const reading = (await driver.inspect(tunnel, live()))._unsafeUnwrap() as WireguardReading;

    expect(reading).toMatchObject({ link: 'up', handshakeAge: 3_600_000, endpoint: '203.0.113.8:51820' });
    const changes = host.changes;
    (await driver.up(tunnel, live()))._unsafeUnwrap();
    expect(host.changes).toBe(changes);
  });
});

describe('an interface that somebody else brought up', () => {
  it('is used, never marked, and left there', async () => {
    const host = new FakeHost();
    host.wg.bringUpByHand(host.kernel, 'wg0', [ADDRESS]);
    const before = `${host}`;

    (await up(host))._unsafeUnwrap();
    expect(host.kernel.links.get('wg0')?.alias).toBe('');
    (await down(host))._unsafeUnwrap();

    expect(`${host}`).toBe(before);
  });

  it('is not brought up when it is down', async () => {
    const host = new FakeHost();
    host.kernel.addLink('wg0', { kind: 'wireguard' });

    expect(await complaint(host)).toContain('"wg0", which is down: whoever made it has to bring it up');
  });

  it('is refused when its packets go to an IPv6 address', async () => {
    const host = new FakeHost();
    host.wg.bringUpByHand(host.kernel, 'wg0', [ADDRESS]);
    host.wg.peers.set('wg0', [peerLine('[2001:db8::7]:51820', '::/0')]);

    expect(await complaint(host)).toContain("so give the server's IPv4 address");
  });

  it.each(['veth', 'tun'])('is not touched when it is a %s interface that wg does not know', async (kind) => {
    const host = hostWith(fakeConf([ADDRESS]));
    host.kernel.addLink('wg0', { kind, up: true, addresses: new Map([[ADDRESS, []]]) });
    const before = `${host}`;

    expect((await up(host))._unsafeUnwrapErr()).toMatchObject({ kind: 'interface_taken', found: `${kind} interface` });
    expect((await driverOn(host).inspect(tunnel, live()))._unsafeUnwrap().link).toBe('absent');
    (await down(host))._unsafeUnwrap();
    expect(`${host}`).toBe(before);
  });

  it('is not ours because it came between our look and wg-quick', async () => {
    const host = hostWith(fakeConf([ADDRESS]));
    const runner: CommandRunner = {
      run: (argv, signal) => {
        if (argv[0] === 'wg-quick') host.wg.bringUpByHand(host.kernel, 'wg0', ['2001:db8:9::9/128']);
        return host.run(argv, signal);
      },
    };

    expect((await up(host, { runner }))._unsafeUnwrapErr()).toMatchObject({ kind: 'command_failed' });

    expect(host.kernel.links.has('wg0')).toBe(true);
    expect(host.wg.copies.size).toBe(0);
  });
});

describe('a crash in the middle of coming up', () => {
  const crashed = (): FakeHost => {
    const host = hostWith(fakeConf([ADDRESS]));
    host.wg.copies.set('wg0', fakeConf([ADDRESS]));
    host.wg.bringUpByHand(host.kernel, 'wg0', []);
    host.running.set(7, ['bash', '/usr/bin/wg-quick', 'up', host.wireguardFiles.copyOf('wg0')]);
    host.running.set(8, ['bash', '/usr/bin/wg-quick', 'up', '/etc/wireguard/wg9.conf']);
    return host;
  };

  it('is made good by the next try, after ending what is still at work', async () => {
    const host = crashed();

    expect((await up(host))._unsafeUnwrap()).toMatchObject({ link: 'up', address: '2001:db8:2::2' });

    expect([...host.running.keys()]).toEqual([8]);
    expect(host.wg.copies.size).toBe(0);
  });

  it('leaves nothing after being brought down', async () => {
    const host = crashed();

    (await down(host))._unsafeUnwrap();

    expect(host.kernel.links.has('wg0')).toBe(false);
    expect([...host.running.keys()]).toEqual([8]);
    expect(host.wg.copies.size).toBe(0);
  });

  it('does not make a stranger’s interface ours', async () => {
    const host = hostWith(fakeConf([ADDRESS]));
    host.wg.copies.set('wg0', fakeConf([ADDRESS]));
    host.kernel.addLink('wg0', { kind: 'veth', up: true });

    (await down(host))._unsafeUnwrap();

    expect(host.kernel.links.has('wg0')).toBe(true);
    expect(host.wg.copies.size).toBe(0);
  });
});

describe('the file’s own commands', () => {
  it('run, once each way', async () => {
    const host = hostWith(fakeConf([ADDRESS], ['PostUp = a %i', 'PreDown = b', 'PostDown = c']));

    (await up(host))._unsafeUnwrap();
    (await up(host))._unsafeUnwrap();
    (await down(host))._unsafeUnwrap();

    expect(host.wg.hooksRun).toEqual(['PostUp a wg0', 'PreDown b', 'PostDown c']);
  });

  it('undo everything when one fails on the way up', async () => {
    const host = hostWith(fakeConf([ADDRESS], ['PostUp = false']), { wireguardModule: false });
    const before = `${host}`;

    expect(await complaint(host)).toMatch(/"wg-quick up .*wg0.conf" ended with status 1: its PostUp command failed$/);
    expect(`${host}`).toBe(before);
  });

  it.each(['PreDown', 'PostDown'])('keep nothing up when %s fails, and it is said', async (key) => {
    const host = hostWith(fakeConf([ADDRESS], [`${key} = false`]));
    const before = `${host}`;
    (await up(host))._unsafeUnwrap();

    expect(describeDriverError((await down(host))._unsafeUnwrapErr())).toContain(`its ${key} command failed`);
    (await down(host))._unsafeUnwrap();

    expect(`${host}`).toBe(before);
  });

  it('are not waited for when the file has gone: the interface goes without', async () => {
    const host = hostWith(fakeConf([ADDRESS], ['PreDown = b']));
    const before = `${host}`;
    (await up(host))._unsafeUnwrap();
    host.wg.confs.delete('wg0');

    (await down(host))._unsafeUnwrap();

    expect(`${host}`).toBe(before);
    expect(host.wg.hooksRun).toEqual([]);
  });
});

describe('what is wrong with a file or a host is said in a sentence', () => {
  it.each([
    ['no file', new FakeHost(), `"iface" is "wg0", but there is no ${PATH}`],
    ['no section', hostWith('PrivateKey = x\n'), `"iface" is "wg0", but ${PATH} has no [Interface] section`],
    ['an IPv6 endpoint', hostWith(fakeConf([ADDRESS], [], ['Endpoint = [2001:db8::7]:1'])), 'would enter the tunnels'],
    ['no address', hostWith(fakeConf(['10.0.0.2/32'])), '"wg0", which has no usable global IPv6 address'],
  ])('%s', async (_, host, sentence) => {
    const before = `${host}`;

    expect(await complaint(host)).toContain(sentence);
    expect(`${host}`).toBe(before);
  });

  it.each([
    ['wg-quick', '"wg-quick" is not installed: apt install wireguard-tools'],
    ['wireguard-go', '"wireguard-go" is not installed: this kernel has no WireGuard'],
  ])('no %s', async (tool, sentence) => {
    const host = hostWith(fakeConf([ADDRESS]), { wireguardModule: false });
    host.missing.add(tool);
    const before = `${host}`;

    expect(await complaint(host)).toContain(sentence);
    expect(`${host}`).toBe(before);
  });

  it('a name that cannot be one reaches neither files nor wg-quick', async () => {
    const host = new FakeHost();
    for (const iface of ['../wg0', '.', '..', 'a'.repeat(16)]) {
      const driver = driverOn(host);
      expect((await driver.up({ ...tunnel, iface }, live()))._unsafeUnwrapErr()).toMatchObject({ setting: 'iface' });
      await driver.down({ ...tunnel, iface }, live());
    }

    expect(host.log.filter(([tool]) => tool !== 'ip')).toEqual([]);
  });
});

describe('what a file’s author may not expect', () => {
  it('is said once, at the right loudness', async () => {
    const more = ['DNS = 10.64.0.1, example.com', 'SaveConfig = true', 'PostUp = a', 'PostUp = b', 'PreDown = c'];
    const host = hostWith(fakeConf([ADDRESS], more));
    host.wg.exposed.add('wg0');
    const driver = driverOn(host);

    for (let twice = 0; twice < 2; twice += 1) {
      (await driver.up(tunnel, live()))._unsafeUnwrap();
      (await driver.down(tunnel, live()))._unsafeUnwrap();
    }

    expect(said).toEqual([
      `warn: ${PATH} holds a private key and everybody can read it: chmod 600 ${PATH}`,
      `info: ${PATH} has PostUp and PreDown commands: wg-quick runs them as root`,
      `info: ${PATH} asks for all IPv4 traffic: the gateway routes IPv6 only and leaves IPv4 as it is`,
      `info: DNS = 10.64.0.1, example.com of ${PATH} is not applied: it would fail with the first failover`,
      `warn: SaveConfig of ${PATH} has no effect: the gateway never writes to that file`,
    ]);
  });

  it('is nothing in an ordinary file, and little in one without ::/0', async () => {
    (await up(hostWith(fakeConf([ADDRESS], [], ['AllowedIPs = ::/0']))))._unsafeUnwrap();
    expect(said).toEqual([]);

    (await up(hostWith(fakeConf([ADDRESS], [], ['AllowedIPs = 2001:db8::/32']))))._unsafeUnwrap();
    expect(said).toEqual([`warn: no peer of ${PATH} has ::/0 in AllowedIPs: little of IPv6 can pass`]);
  });
});

describe('keys', () => {
  it('are in no command, no error and no log, whatever fails', async () => {
    const more = ['PostUp = a', 'SaveConfig = true'];
    const clean = hostWith(fakeConf([ADDRESS], more));
    (await up(clean))._unsafeUnwrap();
    (await down(clean))._unsafeUnwrap();

    const told: unknown[] = [];
    for (let nth = 0; nth < clean.log.length; nth += 1) {
      const host = hostWith(fakeConf([ADDRESS], more));
      host.failNth(nth, 'after');
      for (const result of [await up(host), await driverOn(host).inspect(tunnel, live()), await down(host)]) {
        told.push(result.isErr() ? [result.error, describeDriverError(result.error)] : result.value);
      }
      told.push(host.log);
    }

    const all = JSON.stringify([told, said], (_, value) => (typeof value === 'bigint' ? `${value}` : value));
    expect(all).toContain('injected');
    for (const key of [FAKE_PRIVATE_KEY, FAKE_PUBLIC_KEY, FAKE_SHARED_KEY]) expect(all).not.toContain(key);
  });
});

import { describeDriverError } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { FakeHost } from './testing/fake-host.js';
import { fakeConf } from './testing/fake-wireguard.js';
import { parseWgConf } from './wg-conf.js';
import { checkEndpoints, resolveEndpoints } from './wg-endpoints.js';

const path = '/etc/wireguard/wg0.conf';

const live = (): AbortSignal => new AbortController().signal;
const fileWith = (endpoint: string) => ({
  lines: parseWgConf(fakeConf(['2001:db8:2::2/128'], [], [`Endpoint = ${endpoint}`])),
  path,
});
const hostThatKnows = (names: Readonly<Record<string, string>>): FakeHost => {
  const host = new FakeHost();
  for (const [name, address] of Object.entries(names)) host.wg.names.set(name, address);
  return host;
};

describe('the endpoints of a file', () => {
  it('come to IPv4 addresses, and those that are some are left alone', async () => {
    const host = hostThatKnows({ 'vpn.example.com': '203.0.113.7' });

    const names = await resolveEndpoints(host, fileWith('vpn.example.com:51820'), live());
    const numbers = await resolveEndpoints(host, fileWith('203.0.113.9:1'), live());

    expect([...names._unsafeUnwrap()]).toEqual([['vpn.example.com:51820', '203.0.113.7:51820']]);
    expect([...numbers._unsafeUnwrap()]).toEqual([]);
  });

  it('are refused when they are IPv6, because that would lead into a tunnel', async () => {
    const error = (await resolveEndpoints(new FakeHost(), fileWith('[2001:db8::9]:51820'), live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toBe(
      `"Endpoint" of ${path} is [2001:db8::9]:51820: its packets would enter the tunnels they carry, ` +
        "so give the server's IPv4 address",
    );
  });

  it.each([
    ['a name that nobody knows', 'vpn.example.com', {}],
    ['a name with only an IPv6 address', 'vpn.example.com', { 'vpn.example.com': '2001:db8::9' }],
    ['an option', '--help', { '--help': '203.0.113.7' }],
  ])('are refused when one is %s', async (_, name, known) => {
    const error = (await resolveEndpoints(hostThatKnows(known), fileWith(`${name}:1`), live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toBe(
      `"Endpoint" of ${path} is "${name}", for which no IPv4 address can be found`,
    );
  });

  it('keep nobody waiting who has called it off', async () => {
    const host = new FakeHost();
    host.hang(true);
    const call = new AbortController();
    const pending = resolveEndpoints(host, fileWith('vpn.example.com:51820'), call.signal);

    call.abort();

    expect((await pending)._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
  });

  it('are looked at, too, on an interface that somebody else brought up', () => {
    const peer = { allowedIps: [], handshake: null, rx: 0n, tx: 0n, keepalive: null };
    const dump = (endpoint: string | null) => ({ listenPort: null, fwmark: null, peers: [{ ...peer, endpoint }] });

    expect(checkEndpoints(dump('[2001:db8::9]:1'), 'wg0').isErr()).toBe(true);
    expect(checkEndpoints(dump('192.0.2.1:1'), 'wg0').isOk()).toBe(true);
    expect(checkEndpoints(dump(null), 'wg0').isOk()).toBe(true);
  });
});

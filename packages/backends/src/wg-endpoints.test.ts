import { describeDriverError } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { fakeConf } from './testing/fake-wireguard.js';
import { parseWgConf } from './wg-conf.js';
import { checkEndpoints, resolveEndpoints } from './wg-endpoints.js';

const live = (): AbortSignal => new AbortController().signal;
const asked = (endpoint: string, resolve = async (_name: string): Promise<string> => '203.0.113.7') => ({
  lines: parseWgConf(fakeConf(['2001:db8:2::2/128'], [], [`Endpoint = ${endpoint}`])),
  path: '/etc/wireguard/wg0.conf',
  resolve,
});
const neverAnswers = (): Promise<string> => new Promise(() => undefined);

describe('the endpoints of a file', () => {
  it('come to IPv4 addresses, and those that are some are left alone', async () => {
    const names = await resolveEndpoints(asked('vpn.example.com:51820'), live());
    const numbers = await resolveEndpoints(asked('203.0.113.9:1'), live());

    expect([...names._unsafeUnwrap()]).toEqual([['vpn.example.com:51820', '203.0.113.7:51820']]);
    expect([...numbers._unsafeUnwrap()]).toEqual([]);
  });

  it('are refused when they are IPv6, because that would lead into a tunnel', async () => {
    const error = (await resolveEndpoints(asked('[2001:db8::9]:51820'), live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toBe(
      '"Endpoint" of /etc/wireguard/wg0.conf is [2001:db8::9]:51820: its packets would enter the tunnels they carry, ' +
        "so give the server's IPv4 address",
    );
  });

  it.each([
    ['has no address', () => Promise.reject(new Error('ENOTFOUND'))],
    ['has only an IPv6 address', async () => '2001:db8::9'],
  ])('are refused when a name %s', async (_, resolve) => {
    const error = (await resolveEndpoints(asked('vpn.example.com:51820', resolve), live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toContain('is "vpn.example.com", for which no IPv4 address can be found');
  });

  it('keep nobody waiting who has called it off', async () => {
    const call = new AbortController();
    const pending = resolveEndpoints(asked('vpn.example.com:51820', neverAnswers), call.signal);

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

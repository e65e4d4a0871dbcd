import { type ConfigOf, ROUTING_DEFAULTS } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { linuxDrivers } from './linux-host.js';
import { FakeHost } from './testing/fake-host.js';
import { fakeConf } from './testing/fake-wireguard.js';

const ENDPOINT = '203.0.113.1';
const base = { enabled: true, priority: 0, prefixLength: 64 };
const he: ConfigOf<'he_6in4'> = {
  ...base,
  type: 'he_6in4',
  name: 'he',
  iface: 'he0',
  address: '2001:db8:1::2',
  endpoint: ENDPOINT,
  local: null,
  mtu: null,
};
const wg: ConfigOf<'wireguard'> = { ...base, type: 'wireguard', name: 'wg', iface: 'wg0', address: null };
const live = (): AbortSignal => new AbortController().signal;

const driversOn = (host: FakeHost) =>
  linuxDrivers({ routing: ROUTING_DEFAULTS, runner: host, processes: host, wireguardFiles: host.wireguardFiles });

// OpenWrt's 6in4, and HE's users behind a translator (RFC 6598, RFC 1918): the tunnel has to leave from the private
// address that the machine really has. The public one, which the panel shows, is the translator's.
describe('a 6in4 tunnel with an empty "local_ipv4" behind a translator', () => {
  it.each(['100.64.0.7', '10.11.12.13', '172.16.5.4', '192.168.1.20'])('leaves from %s', async (source) => {
    for (const sit of [true, false]) {
      const host = new FakeHost({ sit, underlay: { iface: 'eth0', source } });

      (await driversOn(host).he_6in4.up(he, live()))._unsafeUnwrap();

      const [process] = host.running.values();
      if (sit) expect(host.kernel.links.get('he0')).toMatchObject({ local: source, remote: ENDPOINT });
      else expect(process?.at(-1)).toBe(`IP4-DATAGRAM:${ENDPOINT}:41,bind=${source},range=${ENDPOINT}/32`);
    }
  });
});

// openwrt pull requests #3688, #3687: a host route to the tunnel's peer kept the tunnel on the WAN it had come up on.
describe('a tunnel on a host with several ways to the Internet', () => {
  it('comes up and is repaired without a route of its own to its endpoint', async () => {
    for (const sit of [true, false]) {
      const host = new FakeHost({ sit, wireguard: { wg0: fakeConf(['2001:db8:2::2/128']) } });
      const drivers = driversOn(host);

      (await drivers.he_6in4.up(he, live()))._unsafeUnwrap();
      (await drivers.he_6in4.repair?.(he, live()))?._unsafeUnwrap();
      (await drivers.wireguard.up(wg, live()))._unsafeUnwrap();

      const routes = host.log.filter((argv) => argv[0] === 'ip' && argv.includes('route') && !argv.includes('get'));
      const changes = routes.filter((argv) => !argv.includes('show'));
      expect(changes.length).toBeGreaterThan(0);
      expect(changes.filter((argv) => !argv.includes('-6'))).toEqual([]);
      expect(routes.filter((argv) => argv.some((word) => word.startsWith('203.0.113.')))).toEqual([]);
      expect(host.surprises).toEqual([]);
    }
  });
});

import { type ConfigOf, ROUTING_DEFAULTS } from '@hurricane/core';
import { linuxDrivers } from './linux-host.js';
import type { FakeHost } from './testing/fake-host.js';

/** A tunnel of tunnelbroker.net, as its page shows it. */
export const HE_TUNNEL: ConfigOf<'he_6in4'> = {
  type: 'he_6in4',
  name: 'he',
  iface: 'he0',
  enabled: true,
  priority: 0,
  address: '2001:db8:1::2',
  prefixLength: 64,
  endpoint: '203.0.113.1',
  local: null,
  mtu: null,
};

/** Each call is a process right after its start. */
export const driversOn = (host: FakeHost): ReturnType<typeof linuxDrivers> =>
  linuxDrivers({ routing: ROUTING_DEFAULTS, runner: host, processes: host, wireguardFiles: host.wireguardFiles });

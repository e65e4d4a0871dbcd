import type { AddressRange, Config, DestinationRange } from '@hurricane/core';
import type { DestinationRule } from '../access/destinations.js';
import { type Network, networkOf } from '../access/networks.js';
import type { Socks5Settings } from './settings.js';

/** What the configuration says of the proxy. The API's port is one that controls this host. */
export function socks5SettingsOf({ core, exposure: { socks5 } }: Config): Socks5Settings {
  return {
    listen: { address: socks5.bind, port: socks5.port },
    usersFile: socks5.usersFile,
    allowClients: networksOf(socks5.allowClients),
    allowDestinations: rulesOf(socks5.allowDestinations),
    denyDestinations: rulesOf(socks5.denyDestinations),
    ipv4: socks5.ipv4,
    raceTunnels: socks5.raceTunnels,
    resolver: socks5.resolver,
    control: [{ address: core.apiBind, port: core.apiPort }],
  };
}

const networksOf = (ranges: readonly AddressRange[]): readonly Network[] => ranges.map(networkOf);

function rulesOf(ranges: readonly DestinationRange[]): readonly DestinationRule[] {
  return ranges.map((range) => ({ network: networkOf(range), port: range.port }));
}

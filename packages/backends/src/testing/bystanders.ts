import type { RoutingPolicy } from '@hurricane/core';
import { PROTOCOL } from '../ip.js';
import type { FakeHost } from './fake-host.js';

/**
 * Puts on a host what may already live there: a router's default, a VPN's rules, another program in
 * the first of our tables, a rule where our first would go. Nothing of ours may touch any of it.
 */
export function addBystanders(host: FakeHost, routing: RoutingPolicy): void {
  const { kernel } = host;
  kernel.addLink('lan0', { up: true, addresses: new Map([['2001:db8:77::5/64', []]]) });
  kernel.addLink('he9', { kind: 'sit', up: true, remote: '203.0.113.99', local: 'any' });
  const route = { type: null, iface: 'lan0', gateway: null, source: null, metric: 1024, protocol: 9 };
  kernel.replaceRoute({ ...route, table: 254, destination: 'default', gateway: 'fe80::1' });
  kernel.replaceRoute({ ...route, table: 254, destination: '2001:db8:77::/64', metric: 256, protocol: 2 });
  kernel.replaceRoute({ ...route, table: routing.tableBase, destination: '2001:db8:99::/48', protocol: 4 });
  const rule = { from: null, oif: null, table: 51_820, protocol: null };
  kernel.addRule({ ...rule, pref: routing.ruleBase + 2 });
  kernel.addRule({ ...rule, pref: 32_765, table: 254 });
  // Of our protocol, but another tunnel's.
  const other = routing.tableBase + 5;
  kernel.addRule({ pref: routing.ruleBase + 11, from: null, oif: 'he9', table: other, protocol: PROTOCOL });
  kernel.replaceRoute({ ...route, table: other, destination: 'default', iface: 'he9', protocol: PROTOCOL });
}

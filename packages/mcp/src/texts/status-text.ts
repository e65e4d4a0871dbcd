import type { AddressesView, HealthView, TunnelsView, TunnelView } from '@hurricane/core';

// The documents of the state, told to people.

export function healthText(health: HealthView): string {
  const { status, primary, active_tunnels: up, reasons } = health;
  const through = primary === null ? 'no tunnel carries the traffic' : `${primary} carries the traffic`;
  const latency = health.v6_latency_ms === null ? '' : ` at ${health.v6_latency_ms} ms`;
  const first = `IPv6 is ${status}: ${through}${latency}, ${up} ${up === 1 ? 'tunnel is' : 'tunnels are'} up.`;
  return [first, ...reasons.map((reason) => `- ${reason}`)].join('\n');
}

export function addressesText({ addresses }: AddressesView): string {
  if (addresses.length === 0) return 'There is no IPv6 address to use: no tunnel is up and has one.';
  return addresses
    .map((row) => {
      const how = row.reachable
        ? `reachable${row.latency_ms === null ? '' : ` at ${row.latency_ms} ms`}`
        : 'unreachable';
      const whose = `tunnel ${row.tunnel}${row.primary ? ', primary' : ''}`;
      return `${row.address}/${row.prefix} on ${row.iface} (${whose}): ${how}`;
    })
    .join('\n');
}

export function tunnelsText({ tunnels }: TunnelsView): string {
  return tunnels.length === 0 ? 'No tunnel is configured.' : tunnels.map(tunnelText).join('\n');
}

export function tunnelText(t: TunnelView): string {
  const facts = [
    `${t.type} on ${t.iface}`,
    t.enabled ? null : 'switched off',
    t.liveness,
    t.score === null ? 'not measured' : `score ${t.score}`,
    t.latency_ms === null ? null : `${t.latency_ms} ms`,
    t.loss === null ? null : `${Math.round(t.loss * 1000) / 10} % lost`,
    t.v6_prefix,
    t.fault_place === null ? null : `broken: ${t.fault_place}`,
    t.mtu_black_hole ? `loses packets of ${t.mtu} bytes` : null,
    t.error,
  ].filter((fact) => fact !== null);
  return `${t.name}: ${t.state}${t.primary ? ', primary' : ''} (${facts.join(', ')})`;
}

import ipaddr from 'ipaddr.js';
import { describeDriverError } from './errors.js';
import type { FaultPlace } from './fault-place.js';
import type { GatewayStatus, TunnelStatus } from './status.js';
import type { UnixSeconds } from './units.js';

// The documents of the seed's REST API: its field names and types, and further fields beside them.
// REST, MCP and the command line all show these, so that they cannot disagree.

export type OverallStatus = 'ok' | 'degraded' | 'down';

export interface HealthView {
  readonly status: OverallStatus;
  readonly v6_reachable: boolean;
  /** Whole milliseconds through the primary; null while unknown. */
  readonly v6_latency_ms: number | null;
  readonly active_tunnels: number;
  readonly last_check: UnixSeconds | null;
  readonly primary: string | null;
  /** Why the status is not `ok`, one sentence each. */
  readonly reasons: readonly string[];
}

export interface AddressView {
  readonly iface: string;
  readonly address: string;
  readonly prefix: number;
  readonly reachable: boolean;
  readonly latency_ms: number | null;
  readonly tunnel: string;
  readonly primary: boolean;
}

export interface AddressesView {
  readonly addresses: readonly AddressView[];
}

export interface TunnelView {
  readonly name: string;
  readonly type: string;
  /** The seed's three words: a tunnel on its way up or down, or switched off, is `down`; a failed one is `error`. */
  readonly state: 'up' | 'down' | 'error';
  readonly iface: string;
  /** Network in CIDR form; null while no address is known. */
  readonly v6_prefix: string | null;
  readonly rx_bytes: number | null;
  readonly tx_bytes: number | null;
  readonly last_check: UnixSeconds | null;
  readonly enabled: boolean;
  readonly primary: boolean;
  readonly priority: number;
  readonly score: number | null;
  readonly reachable: boolean | null;
  readonly latency_ms: number | null;
  /** 0 to 1. */
  readonly loss: number | null;
  readonly liveness: string;
  readonly carrier: string | null;
  /** Of the interface, in bytes; null while unknown. */
  readonly mtu: number | null;
  /** Packets of full size vanish in it without a word. */
  readonly mtu_black_hole: boolean;
  /** Where it is broken: local, underlay, pop, upstream or target; null while it is not, or that is unknown. */
  readonly fault_place: FaultPlace | null;
  /** Whether others can connect to its address; null while no address is known. Not behind a translator. */
  readonly inbound: boolean | null;
  /** WireGuard only. */
  readonly endpoint: string | null;
  readonly handshake_age_s: number | null;
  /** Why it failed; null while it has not. */
  readonly error: string | null;
}

export interface TunnelsView {
  readonly tunnels: readonly TunnelView[];
}

/** `GET /health` and `check_health`. */
export function healthView(status: GatewayStatus): HealthView {
  const primary = status.tunnels.find((t) => t.primary) ?? null;
  const reachable = primary !== null && isReachable(primary) === true;
  const reasons = reasonsOf(status, primary);
  const checks = status.tunnels.flatMap((t) => (t.lastCheck === null ? [] : [t.lastCheck]));
  return {
    status: !reachable ? 'down' : reasons.length > 0 ? 'degraded' : 'ok',
    v6_reachable: reachable,
    v6_latency_ms: primary === null ? null : latencyOf(primary),
    active_tunnels: status.tunnels.filter((t) => t.state === 'up').length,
    last_check: checks.length === 0 ? null : Math.max(...checks),
    primary: status.primary,
    reasons,
  };
}

/** `GET /v6/address` and `get_ipv6_address`. Tunnels that are up and have an address, the primary first. */
export function addressesView(status: GatewayStatus): AddressesView {
  const rows = status.tunnels.flatMap((t): AddressView[] => {
    const address = t.reading?.address ?? null;
    if (t.state !== 'up' || address === null) return [];
    return [
      {
        iface: t.config.iface,
        address,
        prefix: t.reading?.prefixLength ?? t.config.prefixLength,
        reachable: isReachable(t) === true,
        latency_ms: latencyOf(t),
        tunnel: t.config.name,
        primary: t.primary,
      },
    ];
  });
  return { addresses: [...rows.filter((r) => r.primary), ...rows.filter((r) => !r.primary)] };
}

/** `GET /tunnels` and `get_tunnel_status`. Every configured tunnel, in file order. */
export function tunnelsView(status: GatewayStatus): TunnelsView {
  return { tunnels: status.tunnels.map(tunnelView) };
}

export function tunnelView(t: TunnelStatus): TunnelView {
  const counters = t.reading?.counters ?? null;
  return {
    name: t.config.name,
    type: t.config.type,
    state: t.state === 'up' ? 'up' : t.state === 'failed' ? 'error' : 'down',
    iface: t.config.iface,
    v6_prefix: prefixOf(t),
    rx_bytes: counters === null ? null : Number(counters.rx),
    tx_bytes: counters === null ? null : Number(counters.tx),
    last_check: t.lastCheck,
    enabled: t.config.enabled,
    primary: t.primary,
    priority: t.config.priority,
    score: t.health?.score ?? null,
    reachable: isReachable(t),
    latency_ms: latencyOf(t),
    loss: t.health === null ? null : Math.round(t.health.loss * 1000) / 1000,
    liveness: t.liveness,
    carrier: t.reading?.carrier ?? null,
    mtu: t.reading?.mtu ?? null,
    mtu_black_hole: t.mtuBlackHole,
    fault_place: t.faultPlace,
    inbound: isInbound(t),
    endpoint: t.reading?.endpoint ?? (t.config.type === 'he_6in4' ? t.config.endpoint : null),
    handshake_age_s: t.reading?.handshakeAge == null ? null : Math.round(t.reading.handshakeAge / 1000),
    error: t.fault === null ? null : describeDriverError(t.fault),
  };
}

function reasonsOf(status: GatewayStatus, primary: TunnelStatus | null): readonly string[] {
  const reasons: string[] = [];
  if (status.phase !== 'running') reasons.push(`the gateway is ${status.phase}`);
  if (primary === null) reasons.push('no tunnel is fit to carry traffic');
  else if (isReachable(primary) !== true) reasons.push(`primary tunnel ${primary.config.name} is unreachable`);
  else if (status.stranded) reasons.push(`primary tunnel ${primary.config.name} is degraded and no backup is fit`);
  if (status.targetsSilent) reasons.push('no probe target answers through any tunnel, though the providers do');
  for (const t of status.tunnels) {
    if (t.mtuBlackHole)
      reasons.push(`tunnel ${t.config.name} loses packets of ${t.reading?.mtu} bytes (MTU black hole)`);
    if (!t.config.enabled || t === primary) continue;
    if (t.state === 'failed')
      reasons.push(`tunnel ${t.config.name} failed${t.fault === null ? '' : `: ${describeDriverError(t.fault)}`}`);
    else if (t.state === 'up' && isReachable(t) === false) reasons.push(`tunnel ${t.config.name} is unreachable`);
  }
  return reasons;
}

/** Null while nothing has been measured. */
function isReachable(t: TunnelStatus): boolean | null {
  if (t.state !== 'up') return t.state === 'down' && t.health === null ? null : false;
  if (t.liveness === 'soft_down' || t.liveness === 'hard_down') return false;
  return t.health === null ? null : t.health.reachable;
}

/** Mullvad translates, and a unique local address (RFC 4193) reaches the world through a translator only. */
function isInbound(t: TunnelStatus): boolean | null {
  const address = t.reading?.address ?? t.config.address;
  if (address === null) return null;
  return t.config.type !== 'mullvad' && !/^f[cd]/.test(address);
}

/** What was measured before it fell silent is no latency of an unreachable tunnel. */
function latencyOf(t: TunnelStatus): number | null {
  const latency = t.health?.latency ?? null;
  return latency === null || isReachable(t) !== true ? null : Math.round(latency);
}

function prefixOf(t: TunnelStatus): string | null {
  const address = t.reading?.address ?? t.config.address;
  if (address === null) return null;
  const length = t.reading?.prefixLength ?? t.config.prefixLength;
  return prefixText(`${address}/${length}`, length);
}

/** Four times as many as there can be tunnels: addresses that a reload or a lease replaced are forgotten in the end. */
const PREFIXES_KEPT = 1_024;

/** To write a prefix costs ten times as much as all else in a tunnel's document, and it hardly ever changes. */
const prefixes = new Map<string, string>();

function prefixText(cidr: string, length: number): string {
  const known = prefixes.get(cidr);
  if (known !== undefined) return known;
  const text = `${ipaddr.IPv6.networkAddressFromCIDR(cidr).toRFC5952String()}/${length}`;
  if (prefixes.size >= PREFIXES_KEPT) prefixes.clear();
  prefixes.set(cidr, text);
  return text;
}

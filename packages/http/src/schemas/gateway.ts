import type { AddressesView, AddressView, HealthView, TunnelsView, TunnelView } from '@hurricane/core';
import { z } from 'zod';
import { bytes, fraction, milliseconds, name, nullable, text, unixSeconds, wholeNumber } from './words.js';

export const health: z.ZodType<HealthView> = z
  .object({
    status: z
      .enum(['ok', 'degraded', 'down'])
      .describe('`ok`; `degraded`: IPv6 works, but see `reasons`; `down`: it does not.'),
    v6_reachable: z.boolean().describe('Whether the Internet answers through the primary tunnel.'),
    v6_latency_ms: nullable(milliseconds).describe('Round trip through the primary; null while unknown.'),
    active_tunnels: wholeNumber.describe('How many tunnels are up.'),
    last_check: nullable(unixSeconds).describe('When a probe was last answered for; null before the first.'),
    primary: nullable(name).describe('The tunnel that has the default route.'),
    reasons: z.array(text).describe('Why the status is not `ok`, one sentence each.'),
  })
  .describe('Whether IPv6 is usable, through what, and how fast.');

export const address: z.ZodType<AddressView> = z
  .object({
    iface: text.describe('Interface that has the address.'),
    address: text.describe('Canonical text (RFC 5952).'),
    prefix: z.int().min(0).max(128).describe('Length of its network in bits.'),
    reachable: z.boolean(),
    latency_ms: nullable(milliseconds),
    tunnel: name,
    primary: z.boolean().describe('Whether it is the address that new connections leave with.'),
  })
  .describe('One IPv6 address that programs can use.');

export const addresses: z.ZodType<AddressesView> = z
  .object({ addresses: z.array(address).describe("The primary tunnel's first.") })
  .describe('The IPv6 addresses of the tunnels that are up.');

export const tunnel: z.ZodType<TunnelView> = z
  .object({
    name,
    type: z.enum(['he_6in4', 'wireguard', 'mullvad', 'external']),
    state: z.enum(['up', 'down', 'error']).describe('On its way up or down, or switched off: `down`. Failed: `error`.'),
    iface: text,
    v6_prefix: nullable(text).describe('Network in CIDR form; null while no address is known.'),
    rx_bytes: nullable(bytes),
    tx_bytes: nullable(bytes),
    last_check: nullable(unixSeconds),
    enabled: z.boolean(),
    primary: z.boolean(),
    priority: wholeNumber.describe('0 is the most preferred.'),
    score: nullable(z.number().min(0).max(100)).describe('Health; null while unmeasured.'),
    reachable: nullable(z.boolean()),
    latency_ms: nullable(milliseconds),
    loss: nullable(fraction).describe('Share of probes that were lost.'),
    liveness: z.enum(['unknown', 'alive', 'suspect', 'soft_down', 'hard_down']),
    carrier: nullable(text).describe('What carries it, such as `kernel sit`.'),
    mtu: nullable(wholeNumber),
    mtu_black_hole: z.boolean().describe('Packets of full size vanish in it without a word.'),
    fault_place: nullable(z.enum(['local', 'underlay', 'pop', 'upstream', 'target'])).describe('Where it is broken.'),
    inbound: nullable(z.boolean()).describe('Whether others can connect to its address.'),
    endpoint: nullable(text),
    handshake_age_s: nullable(wholeNumber).describe('WireGuard only.'),
    error: nullable(text).describe('Why it failed; null while it has not.'),
  })
  .describe('A configured tunnel and its state.');

export const tunnels: z.ZodType<TunnelsView> = z
  .object({ tunnels: z.array(tunnel).describe('In the order of the configuration.') })
  .describe('Every configured tunnel.');

import { describe, expect, it } from 'vitest';
import type { LinkReading } from './facts.js';
import type { GatewayStatus, TunnelStatus } from './status.js';
import { simulatedConfig, simulatedTunnel } from './testing/index.js';
import { addressesView, healthView, tunnelsView, tunnelView } from './views.js';

const reading: LinkReading = {
  link: 'up',
  address: '2001:db8:1234:5678::2',
  prefixLength: 64,
  gateway: null,
  mtu: 1480,
  counters: { rx: 1_234_567n, tx: 987_654n },
  carrier: 'kernel sit',
};

const he: TunnelStatus = {
  config: simulatedTunnel('he', { type: 'he_6in4' }),
  state: 'up',
  fault: null,
  faultPlace: null,
  mtuBlackHole: false,
  liveness: 'alive',
  health: { reachable: true, latency: 35.4, loss: 0, score: 100 },
  reading,
  lastCheck: 1_699_564_234,
  primary: true,
};

const wg: TunnelStatus = {
  ...he,
  config: simulatedTunnel('wg', { priority: 1 }),
  reading: { ...reading, address: '2001:db8:9::2' },
  lastCheck: 1_699_564_230,
  primary: false,
};

describe('GET /health', () => {
  it('holds the fields of the README, and further ones', () => {
    expect(healthView(statusOf(he))).toEqual({
      status: 'ok',
      v6_reachable: true,
      v6_latency_ms: 35,
      active_tunnels: 1,
      last_check: 1_699_564_234,
      primary: 'he',
      reasons: [],
    });
  });

  it.each<[string, readonly TunnelStatus[], Partial<GatewayStatus>, string, readonly string[]]>([
    ['ok', [he, wg], {}, 'ok', []],
    [
      'a backup that failed',
      [he, { ...wg, state: 'failed', fault: { kind: 'aborted' } }],
      {},
      'degraded',
      ['tunnel wg failed: it was called off'],
    ],
    ['a backup that is silent', [he, { ...wg, liveness: 'hard_down' }], {}, 'degraded', ['tunnel wg is unreachable']],
    [
      'a backup that is switched off',
      [he, { ...wg, state: 'down', config: { ...wg.config, enabled: false } }],
      {},
      'ok',
      [],
    ],
    [
      'a stranded primary that answers',
      [he],
      { stranded: true },
      'degraded',
      ['primary tunnel he is degraded and no backup is fit'],
    ],
    [
      'a silent primary',
      [{ ...he, liveness: 'soft_down' }],
      { stranded: true },
      'down',
      ['primary tunnel he is unreachable'],
    ],
    ['no primary', [{ ...he, primary: false }], { primary: null }, 'down', ['no tunnel is fit to carry traffic']],
    ['a stopping gateway', [he], { phase: 'stopping' }, 'degraded', ['the gateway is stopping']],
  ])('says of %s', (_what, tunnels, more, word, reasons) => {
    expect(healthView({ ...statusOf(...tunnels), ...more })).toMatchObject({ status: word, reasons });
  });

  it('knows nothing before anything was measured', () => {
    expect(healthView(statusOf())).toMatchObject({ v6_latency_ms: null, last_check: null, active_tunnels: 0 });
  });
});

describe('GET /v6/address', () => {
  it('holds the fields of the README, and further ones', () => {
    expect(addressesView(statusOf(he))).toEqual({
      addresses: [
        {
          iface: 'he0',
          address: '2001:db8:1234:5678::2',
          prefix: 64,
          reachable: true,
          latency_ms: 35,
          tunnel: 'he',
          primary: true,
        },
      ],
    });
  });

  it('puts the primary first and leaves out what is not up or has no address', () => {
    const bare = { ...wg, config: simulatedTunnel('bare'), reading: { ...reading, address: null } };
    const down = { ...wg, config: simulatedTunnel('down'), state: 'failed' as const };

    const { addresses } = addressesView(statusOf(wg, bare, down, he));

    expect(addresses.map((a) => a.tunnel)).toEqual(['he', 'wg']);
  });
});

describe('GET /tunnels', () => {
  it('holds the fields of the README, and further ones', () => {
    expect(tunnelsView(statusOf(he)).tunnels).toEqual([
      {
        name: 'he',
        type: 'he_6in4',
        state: 'up',
        iface: 'he0',
        v6_prefix: '2001:db8:1234:5678::/64',
        rx_bytes: 1_234_567,
        tx_bytes: 987_654,
        last_check: 1_699_564_234,
        enabled: true,
        primary: true,
        priority: 0,
        score: 100,
        reachable: true,
        latency_ms: 35,
        loss: 0,
        liveness: 'alive',
        carrier: 'kernel sit',
        mtu: 1480,
        mtu_black_hole: false,
        fault_place: null,
        inbound: true,
        endpoint: '192.0.2.1',
        handshake_age_s: null,
        error: null,
      },
    ]);
  });

  it.each([
    ['down', 'down'],
    ['starting', 'down'],
    ['up', 'up'],
    ['stopping', 'down'],
    ['failed', 'error'],
  ] as const)('calls %s "%s"', (state, word) => {
    expect(tunnelView({ ...he, state }).state).toBe(word);
  });

  it('says nothing about what it does not know', () => {
    const unknown: TunnelStatus = {
      ...he,
      state: 'down',
      health: null,
      reading: null,
      lastCheck: null,
      liveness: 'unknown',
    };

    expect(tunnelView(unknown)).toMatchObject({
      v6_prefix: null,
      rx_bytes: null,
      tx_bytes: null,
      last_check: null,
      score: null,
      reachable: null,
      latency_ms: null,
      loss: null,
      carrier: null,
    });
  });

  it.each([
    ['mullvad', '2001:db8:9::2', false],
    ['wireguard', 'fd00:db8::2', false],
    ['wireguard', '2001:db8:9::2', true],
    ['external', null, null],
  ] as const)('says whether others can connect to it: %s at %s', (type, address, inbound) => {
    const config = simulatedTunnel('t', { type });
    expect(tunnelView({ ...he, config, reading: { ...reading, address } }).inbound).toBe(inbound);
  });

  it('says how old the last handshake of a WireGuard tunnel is', () => {
    const since = { ...reading, handshakeAge: 61_400, endpoint: '198.51.100.7:51820' };

    expect(tunnelView({ ...he, reading: since })).toMatchObject({
      handshake_age_s: 61,
      endpoint: '198.51.100.7:51820',
    });
  });

  it('takes the prefix from the configuration where the interface is not there', () => {
    const config = simulatedTunnel('he', { type: 'he_6in4', address: '2001:db8:5:6::2' });

    expect(tunnelView({ ...he, config, reading: null, state: 'down' }).v6_prefix).toBe('2001:db8:5:6::/64');
  });

  it('becomes JSON as it is', () => {
    expect(() => JSON.stringify(tunnelsView(statusOf(he, wg)))).not.toThrow();
  });
});

function statusOf(...tunnels: TunnelStatus[]): GatewayStatus {
  const config = simulatedConfig({ tunnels: tunnels.map((t) => t.config) });
  const primary = tunnels.find((t) => t.primary)?.config.name ?? null;
  return {
    phase: 'running',
    config,
    primary,
    preferred: null,
    stranded: false,
    targetsSilent: false,
    tunnels,
    at: 1_699_564_240,
  };
}

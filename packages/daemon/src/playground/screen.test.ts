import type { TunnelView } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { programName, startScreen, statusTable } from './screen.js';

describe('the start screen', () => {
  it('shows addresses, the API, and commands that can be typed as they are', () => {
    const text = startScreen({
      stage: realStage,
      tunnels: { tunnels: [north, south] },
      program: 'hurricane',
      keys: true,
    });

    expect(text).toContain('north  2001:db8:1::2/64 on north0, primary');
    expect(text).toContain('south  2001:db8:2::2/64 on south0\n');
    expect(text).toContain('curl http://127.0.0.1:8643/v6/address');
    expect(text).toContain('hurricane playground cut north ');
    expect(text).toContain('ip netns exec hurricane-play-7-client curl');
    expect(text).toContain('1 cut or restore north');
  });

  it('says before anything else that a simulated world is one', () => {
    const stage = {
      ...realStage,
      kind: 'simulated',
      notes: ['SIMULATED: no packets are sent'],
      namespace: null,
    } as const;

    const text = startScreen({ stage, tunnels: { tunnels: [north] }, program: 'hurricane', keys: false });

    expect(text.trim().split('\n')[0]).toBe('SIMULATED: no packets are sent');
    expect(text).not.toContain('ip netns exec');
  });

  it('asks for root where root is needed', () => {
    const program = programName(['/usr/bin/node', '/usr/bin/hurricane'], { SUDO_USER: 'someone' }, '/');
    const text = startScreen({ stage: realStage, tunnels: { tunnels: [north] }, program, keys: false });

    expect(text).toContain('sudo hurricane playground cut north');
    expect(text).toContain('sudo ip netns exec');
  });
});

describe('how this program is called', () => {
  it.each([
    ['/usr/local/bin/hurricane', '/srv', 'hurricane'],
    ['/srv/repo/packages/daemon/dist/cli.js', '/srv/repo', 'node packages/daemon/dist/cli.js'],
    ['/opt/cli.js', '/srv/repo', 'node /opt/cli.js'],
  ])('is told from %s in %s', (script, cwd, program) => {
    expect(programName(['/usr/bin/node', script], {}, cwd)).toBe(program);
  });
});

describe('the status table', () => {
  it('marks the primary and shows what is unknown as such', () => {
    const fresh: TunnelView = { ...south, state: 'down', score: null, latency_ms: null, loss: null, v6_prefix: null };

    expect(statusTable({ tunnels: [north, { ...fresh, carrier: null }] })).toBe(
      [
        '   TUNNEL  STATE  HEALTH   LATENCY  LOSS  PREFIX           CARRIED BY',
        '*  north   up     100/100  < 1 ms   0 %   2001:db8:1::/64  kernel sit',
        '   south   down   -        -        -     -                -',
        '',
      ].join('\n'),
    );
  });

  it('does not call a tunnel up that nothing gets through', () => {
    expect(statusTable({ tunnels: [{ ...north, reachable: false, loss: 1 }] })).toContain('unreachable  100/100');
  });
});

const realStage = {
  kind: 'real',
  notes: ['6in4 in the kernel (sit).'],
  url: 'http://127.0.0.1:8643',
  configuration: '/run/hurricane-playground/7/v6-gatewayd.conf',
  namespace: 'hurricane-play-7-client',
} as const;

const north: TunnelView = {
  name: 'north',
  type: 'he_6in4',
  state: 'up',
  iface: 'north0',
  v6_prefix: '2001:db8:1::/64',
  rx_bytes: 1,
  tx_bytes: 1,
  last_check: 1,
  enabled: true,
  primary: true,
  priority: 0,
  score: 100,
  reachable: true,
  latency_ms: 0,
  loss: 0,
  liveness: 'alive',
  carrier: 'kernel sit',
  mtu: 1480,
  mtu_black_hole: false,
  fault_place: null,
  inbound: true,
  endpoint: null,
  handshake_age_s: null,
  error: null,
};

const south: TunnelView = { ...north, name: 'south', iface: 'south0', v6_prefix: '2001:db8:2::/64', primary: false };

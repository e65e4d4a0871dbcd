import { describe, expect, it } from 'vitest';
import { ABSENT, type LinkReading } from './facts.js';
import { needsTheSame, settleTunnel } from './settle-tunnel.js';
import { initialState, type State } from './state.js';
import { simulatedConfig, simulatedTunnel } from './testing/index.js';
import { newTunnel, type Tunnel } from './tunnel.js';
import { LONG_AGO } from './units.js';

const NOW = 100_000;
const config = simulatedConfig({ tunnels: [simulatedTunnel('he', { type: 'he_6in4' })] });
const state: State = { ...initialState(config), phase: 'running' };
const reading: LinkReading = { ...ABSENT, link: 'up', address: '2001:db8::2', mtu: 1_480, endpoint: '192.0.2.1:1' };
const calm = settled(calmTunnel());

describe('a calm tunnel', () => {
  it('is one that settling leaves as it is', () => {
    expect(settled(calm)).toBe(calm);
  });

  it.each<[string, Tunnel]>([
    ['one more reply', { ...calm, liveness: { ...calm.liveness, replies: 11, provenAt: NOW } }],
    ['another round trip', { ...calm, rtt: { srtt: 80, rttvar: 3 } }],
    ['a score that is still good', { ...calm, health: { ...calm.health!, score: 80 } }],
    ['more bytes', { ...calm, reading: { ...reading, counters: { rx: 1n, tx: 1n } } }],
  ])('needs nothing for %s', (_, is) => {
    expect(needsTheSame(calm, is, state)).toBe(true);
    expect(settled(is)).toBe(is);
  });

  it.each<[string, Partial<Tunnel>]>([
    ['a probe that was lost', { liveness: { ...calm.liveness, kind: 'suspect', misses: 1, replies: 0 } }],
    ['a row of replies that begins anew', { liveness: { ...calm.liveness, replies: 0 } }],
    ['a score that is no longer good', { health: { ...calm.health!, score: 40 } }],
    ['being unjudged', { health: null }],
    ['another address', { reading: { ...reading, address: '2001:db8::3' } }],
    ['no reading', { reading: null }],
    ['another MTU', { reading: { ...reading, mtu: 1_400 } }],
    ['another peer', { reading: { ...reading, endpoint: '192.0.2.2:1' } }],
    ['traffic that flows', { traffic: { ...calm.traffic, at: NOW, flowingSince: NOW - 10_000 } }],
    ['another target', { probing: { ...calm.probing, target: '2001:db8:ffff::2' } }],
    ['a prober that gave up', { probing: { ...calm.probing, told: null } }],
    ['a full-sized probe that was lost', { sides: { ...calm.sides, size: { ...calm.sides.size, misses: 1 } } }],
    ['a look that is due', { look: { kind: 'idle', nextAt: NOW } }],
    ['being lowered', { wanted: false }],
    ['being restarted', { restarting: true }],
    ['another configuration', { config: { ...calm.config, iface: 'other0' } }],
    ['an operation', { epoch: calm.epoch + 1 }],
    ['having failed', { state: { kind: 'up', since: NOW } }],
  ])('is looked at again for %s', (_, change) => {
    expect(needsTheSame(calm, { ...calm, ...change }, state)).toBe(false);
  });
});

function settled(t: Tunnel): Tunnel {
  return settleTunnel(t, state, NOW, () => undefined);
}

function calmTunnel(): Tunnel {
  const t = newTunnel(config.tunnels[0]!);
  const heard = { asked: 5, heardAt: NOW - 50_000 };
  return {
    ...t,
    running: t.config,
    state: { kind: 'up', since: NOW - 60_000 },
    reading,
    look: { kind: 'idle', nextAt: NOW + 10_000 },
    liveness: { ...t.liveness, kind: 'alive', since: NOW - 50_000, replies: 10, steadyAt: LONG_AGO },
    health: { reachable: true, latency: 20, loss: 0, score: 100 },
    soundSince: NOW - 50_000,
    sides: { ...t.sides, pop: { ...t.sides.pop, ...heard }, underlay: { ...t.sides.underlay, ...heard } },
  };
}

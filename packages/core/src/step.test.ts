import { describe, expect, it } from 'vitest';
import type { Effect, Event } from './effects.js';
import { initialState, type State } from './state.js';
import { nextWake, step } from './step.js';
import { Stage, simulatedConfig, simulatedTunnel } from './testing/index.js';
import { NEVER } from './units.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('a step', () => {
  it('begins with clearing away what an earlier run left, then raises every tunnel that is wanted', () => {
    const begun = step(initialState(config), { type: 'start' }, 0);
    const { state, effects } = step(begun.state, { type: 'swept', found: [] }, 1);

    expect(typesOf(begun.effects)).toEqual(['started', 'sweep']);
    expect(typesOf(effects)).toEqual(['tunnel_state', 'tunnel_state', 'raise', 'raise']);
    expect(state.tunnels.map((t) => t.state.kind)).toEqual(['starting', 'starting']);
  });

  it('does not wait for ever for an earlier run to be cleared away', () => {
    const begun = step(initialState(config), { type: 'start' }, 0);
    const timeout: number = config.operation.timeout;

    expect(typesOf(step(begun.state, { type: 'tick' }, timeout - 1).effects)).not.toContain('raise');
    expect(typesOf(step(begun.state, { type: 'tick' }, timeout).effects)).toContain('raise');
  });

  it('does nothing before the start and nothing on a second one', async () => {
    expect(step(initialState(config), { type: 'tick' }, 0).effects).toEqual([]);

    const { state } = step(initialState(config), { type: 'start' }, 0);
    expect(step(state, { type: 'start' }, 1).effects).toEqual([]);
  });

  it('tells what happened before what was decided upon it', async () => {
    const stage = await Stage.running({ config });
    const state = stateOf(stage);

    const { effects } = step(state, { type: 'lower', tunnel: 'he' }, 20_000);

    expect(typesOf(effects)).toEqual(['failed_over', 'apply_route', 'measure']);
  });

  it('moves traffic before it begins another kind of probing', async () => {
    const stage = await Stage.running({ config });

    stage.world.cut('he');
    await stage.run(5_000);

    const moves = stage.steps.map(({ effects }) => typesOf(effects)).filter((types) => types.includes('apply_route'));
    const probing = moves.filter((types) => types.includes('probe'));
    expect(probing).not.toEqual([]);
    for (const types of probing) expect(types.indexOf('apply_route')).toBeLessThan(types.indexOf('probe'));
  });

  it.each<Event>([
    { type: 'tunnel_raised', tunnel: 'he', epoch: 0, reading: reading() },
    { type: 'tunnel_lowered', tunnel: 'he', epoch: 0 },
    { type: 'tunnel_failed', tunnel: 'he', epoch: 0, fault: { kind: 'aborted' } },
    { type: 'tunnel_inspected', tunnel: 'he', epoch: 0, reading: reading() },
    { type: 'inspection_failed', tunnel: 'he', epoch: 0, fault: { kind: 'aborted' } },
    {
      type: 'probed',
      stream: 'targets',
      tunnel: 'he',
      epoch: 0,
      finding: { target: '2001:db8::1', outcome: { kind: 'lost' } },
    },
    { type: 'probing_failed', stream: 'targets', tunnel: 'he', epoch: 0, fault: { kind: 'aborted' } },
    { type: 'route_applied', epoch: 0 },
    { type: 'route_failed', epoch: 0, error: { kind: 'aborted' } },
    { type: 'tunnel_lowered', tunnel: 'nobody', epoch: 1 },
    { type: 'lower', tunnel: 'nobody' },
    { type: 'host_changed', change: { kind: 'link', iface: 'eth0' } },
    { type: 'repaired', epoch: 0, found: [], complete: true },
  ])('changes nothing for what is late or of no concern: %j', async (event) => {
    const state = stateOf(await Stage.running({ config }));
    const now = 10_001;

    expect(step(state, event, now)).toEqual(step(state, { type: 'tick' }, now));
  });

  it('wakes later than it was taken, and never once stopped', async () => {
    const stage = await Stage.running({ config });
    for (const { after, now } of stage.steps) expect(nextWake(after, now)).toBeGreaterThan(now);

    expect(nextWake(initialState(config), 0)).toBe(NEVER);
  });
});

function stateOf(stage: Stage): State {
  return stage.steps.at(-1)!.after;
}

function typesOf(effects: readonly Effect[]): readonly string[] {
  return effects.map((e) => (e.type === 'announce' ? e.news.type : e.type));
}

function reading() {
  return {
    link: 'up',
    address: '2001:db8::2',
    prefixLength: 64,
    gateway: null,
    mtu: null,
    counters: null,
    carrier: null,
  } as const;
}

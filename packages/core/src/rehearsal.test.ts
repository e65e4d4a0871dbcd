import { describe, expect, it } from 'vitest';
import { Rehearsal, type RehearsalOptions, type RehearsalView } from './rehearsal.js';
import { Stage, simulatedConfig, simulatedTunnel } from './testing/index.js';

const config = simulatedConfig({
  tunnels: [
    simulatedTunnel('he', { type: 'he_6in4', address: '2001:db8:1::2' }),
    simulatedTunnel('wg', { address: '2001:db8:2::2', priority: 1 }),
    simulatedTunnel('eth', { type: 'external', address: '2001:db8:3::2', priority: 2 }),
  ],
});

describe('a rehearsal', () => {
  it('foresees what then happens: whom the route goes to, and when', async () => {
    const stage = await Stage.running({ config });
    const foreseen = await rehearse(stage, { supposed: { kind: 'silent', tunnel: 'he' } });

    const before = stage.clock.now();
    stage.world.cut('he', 'pop');
    await stage.runUntil(() => stage.primary === 'wg', 10_000);

    expect(foreseen.primary_after).toBe('wg');
    // Two probe intervals: where a probe stands in its interval is not known beforehand.
    expect(Math.abs((foreseen.first_move_after_ms ?? 0) - (stage.clock.now() - before))).toBeLessThan(1_200);
    expect(foreseen.outage_ms).toBe(foreseen.first_move_after_ms);
    expect(foreseen.events.map(({ type }) => type)).toContain('failed_over');
  });

  it('says the same every time, and leaves the gateway as it is', async () => {
    const stage = await Stage.running({ config });
    const before = stage.gateway.state;
    const supposed = { kind: 'lossy', tunnel: 'he', loss: 0.5 } as const;

    const first = await rehearse(stage, { supposed, length: 300_000 });
    const second = await rehearse(stage, { supposed, length: 300_000 });

    expect(second).toEqual(first);
    expect(stage.gateway.state).toBe(before);
    expect(stage.world.links.size).toBe(3);
  });

  it('brings the route back once the fault is over', async () => {
    const stage = await Stage.running({ config });

    const view = await rehearse(stage, {
      supposed: { kind: 'silent', tunnel: 'he' },
      lasts: 30_000,
      length: 300_000,
    });

    expect(view.primary_after).toBe('he');
    expect(view.events.filter(({ type }) => type === 'failed_over')).toHaveLength(2);
  });

  it('moves nothing when all stays as it is', async () => {
    const stage = await Stage.running({ config });

    const view = await rehearse(stage, { supposed: { kind: 'nothing' } });

    expect(view).toMatchObject({ primary_after: 'he', first_move_after_ms: null, outage_ms: 0, events: [] });
    expect(view.summary).toBe('The route would stay on he: nothing would be lost meanwhile');
  });

  it('makes the interface of its own tunnels anew, and waits for somebody to bring an external one back', async () => {
    const stage = await Stage.running({ config });

    const own = await rehearse(stage, { supposed: { kind: 'interface_gone', tunnel: 'he' }, length: 20_000 });
    const external = await rehearse(stage, { supposed: { kind: 'interface_gone', tunnel: 'eth' }, length: 20_000 });

    expect(own.events.map(({ text }) => text)).toContainEqual(expect.stringMatching(/^Tunnel he is up/));
    expect(external.events.map(({ text }) => text)).not.toContainEqual(expect.stringMatching(/^Tunnel eth is up/));
    expect(external.primary_after).toBe('he');
  });

  it.each([
    ['line_down', { kind: 'line_down' }, 'he'],
    ['targets_silent', { kind: 'targets_silent' }, 'he'],
    ['lowered', { kind: 'lowered', tunnel: 'he' }, 'wg'],
    ['preferred', { kind: 'preferred', tunnel: 'eth' }, 'eth'],
    ['slow', { kind: 'slow', tunnel: 'he', latency: 5_000 }, 'wg'],
  ] as const)('ends where it should with %s', async (_name, supposed, end) => {
    const stage = await Stage.running({ config });

    const view = await rehearse(stage, { supposed, length: 30_000 });

    expect(view.primary_after).toBe(end);
  });

  it('does nothing for a gateway that does not run', async () => {
    const stage = new Stage({ config });

    const view = await rehearse(stage, { supposed: { kind: 'line_down' } });

    expect(view).toMatchObject({ events: [], summary: 'The gateway is stopped: it would do nothing' });
  });
});

async function rehearse(stage: Stage, options: Partial<RehearsalOptions>): Promise<RehearsalView> {
  const rehearsal = new Rehearsal({
    state: stage.gateway.state,
    now: stage.clock.now(),
    supposed: { kind: 'nothing' },
    lasts: null,
    length: 60_000,
    ...options,
  });
  while (!rehearsal.advance(1_000)) await Promise.resolve();
  return rehearsal.view();
}

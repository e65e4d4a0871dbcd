import { describe, expect, it } from 'vitest';
import type { LivenessKind } from '../../liveness.js';
import { Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({ tunnels: [simulatedTunnel('mv', { type: 'mullvad' })] });

/** All times in milliseconds from the moment the tunnel is up. */
interface Course {
  /** Nothing comes back from here on. */
  readonly silentFrom?: number;
  readonly silentTo?: number;
  /** Bytes per second that come in by themselves. */
  readonly inflow?: number;
  /** When it is looked at. */
  readonly at: number;
}

// The cases of mullvad's connectivity check, by their names, at our own times. "suspend resets" is sleep.test.ts.
describe('the connection of a tunnel', () => {
  it.each<[string, Course, LivenessKind]>([
    ['no timeout on start', { silentFrom: 0, at: 1_900 }, 'unknown'],
    ['no connection on start', { silentFrom: 0, at: 500 }, 'unknown'],
    ['timeout on start after rx timeout', { silentFrom: 0, at: 4_500 }, 'hard_down'],
    ['connects', { at: 500 }, 'alive'],
    ['connects late', { silentFrom: 0, silentTo: 30_000, at: 32_000 }, 'alive'],
    ['traffic times out after connecting: idle is not dead', { at: 600_000 }, 'alive'],
    ['rx times out after connecting: soon in doubt', { silentFrom: 5_000, at: 6_300 }, 'soft_down'],
    ['rx times out after connecting: then dead', { silentFrom: 5_000, at: 7_900 }, 'hard_down'],
    ['ping times out, and pings are answered again', { silentFrom: 5_000, silentTo: 5_600, at: 8_000 }, 'alive'],
    ['connection works', { inflow: 100_000, at: 60_000 }, 'alive'],
    ['wait loop', { inflow: 100_000, at: 1_800_000 }, 'alive'],
    ['wait loop timeout', { inflow: 100_000, silentFrom: 60_000, at: 63_000 }, 'hard_down'],
  ])('%s', async (_name, course, liveness) => {
    const { stage } = await play(course);

    expect(stage.tunnel('mv').liveness).toBe(liveness);
  });

  it('establish timeout: one that never answers carries nothing, and is not set up again and again', async () => {
    const { stage, from } = await play({ silentFrom: 0, at: 600_000 });

    const effects = stage.steps.slice(from).flatMap((step) => step.effects.map((e) => e.type));
    expect(stage.primary).toBeNull();
    expect(effects).not.toContain('raise');
    expect(effects).not.toContain('lower');
    expect(effects).not.toContain('apply_route');
  });
});

async function play({ silentFrom, silentTo, inflow = 0, at }: Course): Promise<{ stage: Stage; from: number }> {
  const stage = new Stage({ config });
  if (silentFrom === 0) stage.world.cut('mv0');
  stage.world.link('mv0').inflow = inflow;
  stage.gateway.start();
  await stage.runUntil(() => stage.tunnel('mv').state === 'up', 1_000, 1);
  const [from, born] = [stage.steps.length, stage.clock.now()];
  const until = (moment: number): Promise<void> => stage.run(Math.max(0, born + moment - stage.clock.now()));
  if (silentFrom !== undefined) {
    await until(silentFrom);
    stage.world.cut('mv');
  }
  if (silentTo !== undefined) {
    await until(silentTo);
    stage.world.restore('mv');
  }
  await until(at);
  return { stage, from };
}

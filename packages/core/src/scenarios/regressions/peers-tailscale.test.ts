import { describe, expect, it } from 'vitest';
import { NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../../testing/index.js';

const config = simulatedConfig({ tunnels: [simulatedTunnel('d1'), simulatedTunnel('d2')] });

/** What happens to the two, in turn, two minutes after each other. */
type Step = (stage: Stage) => void;

const far =
  (d1: number, d2: number): Step =>
  ({ world }) => {
    world.link('d10').rtt = d1;
    world.link('d20').rtt = d2;
  };
const gone: Step = ({ world }) => world.cut('d1');
const back: Step = ({ world }) => world.restore('d1');

// The cases of tailscale's choice of a home relay. "Saw traffic" is rx-traffic.test.ts. Where theirs returns to a relay
// that is back and no better, ours stays.
describe('two ways out of one priority', () => {
  it.each<[string, readonly Step[], string]>([
    ['first reading', [far(20, 30)], 'd1'],
    ['with two', [far(20, 30), far(40, 30)], 'd1'],
    ['but now d1 gone', [far(20, 30), gone], 'd2'],
    ['d1 is back', [far(20, 30), gone, back], 'd2'],
    ['hysteresis, no switch', [far(40, 40), far(34, 31)], 'd1'],
    ['hysteresis, no switch absolute', [far(20, 20), far(8, 1)], 'd1'],
    ['hysteresis, no switch pct', [far(220, 220), far(290, 260)], 'd1'],
    ['hysteresis, do switch', [far(20, 20), far(140, 30)], 'd2'],
    ['hysteresis, do switch pct', [far(220, 220), far(290, 140)], 'd2'],
    ['high latency of both', [far(20, 30), far(400, 390)], 'd1'],
  ])('%s', async (_name, steps, home) => {
    const stage = new Stage({ config });
    stage.gateway.start();

    for (const step of steps) {
      step(stage);
      await stage.run(130_000);
    }

    expect(stage.primary).toBe(home);
    expect(stage.newsOf('failed_over')).toHaveLength(home === 'd1' ? 0 : 1);
  });

  it('forced unavailable: the other one follows, and the first is not taken back before it is asked for', async () => {
    const stage = await Stage.running({ config });

    stage.gateway.lower('d1');
    await stage.run(300_000);

    expect(stage.primary).toBe('d2');
    expect(stage.world.plan).toMatchObject({ via: { iface: 'd20' }, standbys: [] });
  });

  it('no data, keep home: nothing moves while nothing can be measured', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, probingFails: 1, proberDies: 1 };

    await stage.run(1_800_000);

    expect(stage.primary).toBe('d1');
    expect(stage.newsOf('failed_over')).toEqual([]);
  });
});

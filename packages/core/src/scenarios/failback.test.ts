import { describe, expect, it } from 'vitest';
import type { FailoverPolicy } from '../config/model.js';
import { Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

describe('a preferred tunnel that is well again', () => {
  it('takes the route back after a minute of health', async () => {
    const stage = await staged();
    stage.world.cut('he');
    await stage.run(10_000);
    expect(stage.primary).toBe('wg');

    stage.world.restore('he');
    const took = await stage.runUntil(() => stage.primary === 'he', 120_000);

    expect(took).toBeGreaterThanOrEqual(60_000);
    expect(took).toBeLessThanOrEqual(65_000);
    expect(stage.log().at(-1)).toBe('Failing back from wg to he (health: 100 -> 100)');
  });

  it('begins its minute anew when it falls silent in between', async () => {
    const stage = await staged();
    stage.world.cut('he');
    await stage.run(10_000);
    stage.world.restore('he');
    await stage.run(40_000);
    stage.world.cut('he');
    await stage.run(5_000);
    stage.world.restore('he');

    const took = await stage.runUntil(() => stage.primary === 'he', 120_000);

    expect(took).toBeGreaterThanOrEqual(60_000);
  });

  it('waits twice as long with every flap, up to the cap', async () => {
    const stage = await staged({ failbackAfter: 60_000, failbackAtMost: 400_000 });

    const holds: number[] = [];
    for (let flap = 0; flap < 6; flap += 1) holds.push(await flapOnce(stage));

    expect(holds).toEqual([1, 2, 4, 400 / 60, 400 / 60, 400 / 60].map((minutes) => expect.closeTo(minutes, 0)));
  });

  it('is forgiven after an hour of good service', async () => {
    const stage = await staged();
    await flapOnce(stage);
    await flapOnce(stage);
    await stage.run(3_700_000);

    expect(await flapOnce(stage)).toBeCloseTo(1, 0);
  });

  it('never takes it back where the user says never', async () => {
    const stage = await staged({ failback: 'never' });
    stage.world.cut('he');
    await stage.run(10_000);
    stage.world.restore('he');

    await stage.run(7_200_000);

    expect(stage.primary).toBe('wg');
  });

  it('takes it back at once, all the same, when the other one fails', async () => {
    const stage = await staged({ failback: 'never' });
    stage.world.cut('he');
    await stage.run(10_000);
    stage.world.restore('he');
    await stage.run(60_000);

    stage.world.cut('wg');
    const took = await stage.runUntil(() => stage.world.egress() === 'he0', 5_000);

    expect(took).toBeLessThanOrEqual(1_200);
  });

  it('leaves a route where it is as long as its score is lower than its place is worth', async () => {
    const stage = await staged();
    stage.world.cut('he');
    await stage.run(10_000);
    stage.world.restore('he');
    stage.world.link('he0').rtt = 150;

    await stage.run(600_000);

    expect(stage.tunnel('he').health?.score).toBe(75);
    expect(stage.primary).toBe('wg');
  });
});

function staged(failover: Partial<FailoverPolicy> = {}): Promise<Stage> {
  const tunnels = [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })];
  return Stage.running({ config: simulatedConfig({ tunnels, failover }) });
}

/** Minutes from the end of an outage of the primary to its return. */
async function flapOnce(stage: Stage): Promise<number> {
  stage.world.cut('he');
  await stage.run(5_000);
  expect(stage.primary).toBe('wg');
  stage.world.restore('he');
  return (await stage.runUntil(() => stage.primary === 'he', 7_200_000, 500)) / 60_000;
}

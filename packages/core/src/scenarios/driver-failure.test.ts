import { describe, expect, it } from 'vitest';
import { NO_FAULTS, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const config = simulatedConfig({ tunnels: [simulatedTunnel('he')] });

describe('a driver that fails', () => {
  it('is tried again after 1, 2, 4 ... 60 s', async () => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, raiseFails: 1, operationTime: [10, 10] };

    stage.gateway.start();
    await stage.run(400_000);

    const pauses = stage.newsOf('tunnel_state').flatMap((n) => (n.retryIn === null ? [] : [n.retryIn]));
    expect(pauses.slice(0, 9)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(stage.log()[1]).toBe('Tunnel he failed: "ip up" ended with status 2: simulated failure; next try in 1 s');
  });

  it('comes up with the first try that succeeds, and begins at 1 s the next time', async () => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, raiseFails: 1 };
    stage.gateway.start();
    await stage.run(100_000);

    stage.world.faults = NO_FAULTS;
    await stage.run(61_000);
    expect(stage.primary).toBe('he');

    stage.world.vanish('he0');
    await stage.run(100);
    expect(stage.newsOf('tunnel_state').at(-1)).toMatchObject({ to: 'failed', retryIn: 1_000 });
  });

  it('is given 15 s, then called off', async () => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, hangs: 1 };

    stage.gateway.start();
    const took = await stage.runUntil(() => stage.tunnel('he').state === 'failed', 30_000);

    expect(took).toBeGreaterThanOrEqual(15_000);
    expect(took).toBeLessThanOrEqual(15_010);
    expect(stage.tunnel('he').fault).toEqual({ kind: 'timed_out', after: 15_000 });
  });

  it('is never asked twice at once, even where it is deaf to being called off', async () => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, hangs: 1, deaf: 1 };
    stage.gateway.start();
    await stage.run(600_000);
    stage.world.faults = NO_FAULTS;

    await stage.run(120_000);

    expect(stage.world.overlaps).toBe(0);
    expect(stage.tunnel('he').state).toBe('up');
  });

  it('is contained when it throws', async () => {
    const stage = new Stage({ config });
    stage.world.faults = { ...NO_FAULTS, throws: 1 };

    stage.gateway.start();
    await stage.run(500);

    expect(stage.tunnel('he').fault).toMatchObject({ kind: 'defect' });
  });

  it('is never asked to lower a tunnel while it is still looking at it', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, operationTime: [500, 500] };
    stage.world.readdress('he0', '2001:db8:9::2');
    await stage.run(100);

    stage.gateway.lower('he');
    await stage.run(5_000);

    expect(stage.world.overlaps).toBe(0);
    expect(stage.tunnel('he').state).toBe('down');
  });

  it('does not cost a look its answer when an earlier one hung', async () => {
    const stage = await Stage.running({ config });
    stage.world.faults = { ...NO_FAULTS, hangs: 1 };
    stage.world.readdress('he0', '2001:db8:9::2');
    await stage.run(1_000);
    stage.world.faults = NO_FAULTS;

    await stage.run(15_000);

    expect(stage.tunnel('he').reading?.address).toBe('2001:db8:9::2');
  });
});

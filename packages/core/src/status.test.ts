import { describe, expect, it } from 'vitest';
import { initialState } from './state.js';
import { projectStatus } from './status.js';
import { Stage, simulatedConfig, simulatedTunnel } from './testing/index.js';

const config = simulatedConfig({
  tunnels: [simulatedTunnel('he', { type: 'he_6in4', priority: 0 }), simulatedTunnel('wg', { priority: 1 })],
});

describe('the status', () => {
  it('of a gateway that was never started is all unknown', () => {
    expect(projectStatus(initialState(config), 0, 1_700_000_000)).toMatchObject({
      phase: 'stopped',
      primary: null,
      stranded: false,
      at: 1_700_000_000,
      tunnels: [
        {
          state: 'down',
          fault: null,
          liveness: 'unknown',
          health: null,
          reading: null,
          lastCheck: null,
          primary: false,
        },
        { state: 'down', primary: false },
      ],
    });
  });

  it('counts the last check in wall-clock seconds, whatever the wall clock did since', async () => {
    const stage = await Stage.running({ config });
    stage.clock.skewWall(1_000);

    expect(stage.clock.wall() - stage.tunnel('he').lastCheck!).toBeLessThanOrEqual(1);
  });

  it('names the fault of a failed tunnel and of no other', async () => {
    const stage = new Stage({ config });
    stage.world.link('he0').faults = { raiseFails: 1 };
    stage.gateway.start();
    await stage.run(10_000);

    expect(stage.tunnel('he')).toMatchObject({ state: 'failed', fault: { kind: 'command_failed' } });
    expect(stage.tunnel('wg').fault).toBeNull();
  });

  it('cannot be changed by who reads it', async () => {
    const stage = await Stage.running({ config });
    const status = stage.gateway.status();

    expect(Object.isFrozen(status)).toBe(true);
    expect(Object.isFrozen(status.tunnels[0])).toBe(true);
    expect(Object.isFrozen(status.tunnels)).toBe(true);
  });
});

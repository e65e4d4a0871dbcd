import { describe, expect, it } from 'vitest';
import type { Clock } from './contracts.js';
import { Gateway } from './gateway.js';
import { simulatedConfig, simulatedTunnel, VirtualClock, World } from './testing/index.js';

const config = simulatedConfig({ tunnels: [simulatedTunnel('he', { type: 'he_6in4' })] });

describe('a gateway', () => {
  it('is not made for a tunnel that the host cannot run', () => {
    const { drivers: _none, ...host } = new World({ clock: new VirtualClock(), seed: 1 });

    const made = Gateway.create({ config, host: { ...host, drivers: {} } });

    expect(made._unsafeUnwrapErr()).toEqual({ kind: 'no_driver', tunnel: 'he', type: 'he_6in4' });
  });

  it('starts nothing when it is made', async () => {
    const { clock, world } = stage();

    await clock.runFor(60_000);

    expect(world.links.size).toBe(0);
    expect(clock.pending()).toEqual([]);
  });

  it('has one alarm armed, whatever it is doing', async () => {
    const { clock, gateway } = stage();
    gateway.start();

    for (let i = 0; i < 100; i += 1) {
      await clock.runFor(37);
      expect(clock.pending().filter((label) => label === 'gateway')).toHaveLength(1);
    }
  });

  it('misses nothing that falls due while a step is being carried out', () => {
    const host = new World({ clock: new VirtualClock(), seed: 1 });
    const armed: number[] = [];
    let looks = 0;
    // The step is taken at 0; carrying it out lasts until 15 500, beyond what clearing away an earlier run may take.
    const clock: Clock = {
      now: () => (looks++ === 0 ? 0 : 15_500),
      wall: () => 0,
      alarm: (at) => {
        armed.push(at);
        return { cancel: () => undefined };
      },
    };
    const gateway = Gateway.create({ config, host, clock })._unsafeUnwrap();

    gateway.start();

    expect(armed).toEqual([config.operation.timeout]);
  });

  it('says no more once a listener has been taken off', async () => {
    const { clock, gateway } = stage();
    const heard: string[] = [];
    const off = gateway.onNews((news) => heard.push(news.type));
    off();

    gateway.start();
    await clock.runFor(10_000);

    expect(heard).toEqual([]);
  });
});

function stage(): { readonly clock: VirtualClock; readonly world: World; readonly gateway: Gateway } {
  const clock = new VirtualClock();
  const world = new World({ clock, seed: 1 });
  return { clock, world, gateway: Gateway.create({ config, host: world, clock })._unsafeUnwrap() };
}

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

  it('misses nothing that falls due between a step and the arming of its alarm', async () => {
    const clock = new VirtualClock();
    const world = new World({ clock, seed: 1 });
    const host = { ...world, prober: deaf() };
    // Time goes on while the gateway works: every look at the clock shows a little more.
    let drift = 0;
    const creeping: Clock = {
      now: () => {
        drift += 0.01;
        return clock.now() + drift;
      },
      wall: () => clock.wall(),
      alarm: (at, label, fire) => clock.alarm(at - drift, label, fire),
    };
    const steps: number[] = [];
    const gateway = Gateway.create({
      config,
      host,
      clock: creeping,
      observer: ({ now }) => steps.push(now),
    })._unsafeUnwrap();

    gateway.start();
    await clock.runFor(120_000);

    expect(steps.length).toBeGreaterThan(100);
    expect(clock.pending()).toContain('gateway');
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

/** A prober that never finds anything, so that only alarms move the gateway. */
function deaf(): World['prober'] {
  return new World({ clock: new VirtualClock(), seed: 1 }).prober;
}

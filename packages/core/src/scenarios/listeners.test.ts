import { describe, expect, it } from 'vitest';
import { Gateway } from '../gateway.js';
import { Stage, simulatedConfig, simulatedTunnel, VirtualClock, World } from '../testing/index.js';

const config = simulatedConfig({ tunnels: [simulatedTunnel('he')] });

describe('a listener', () => {
  it('that throws is reported and stops neither the others nor the gateway', async () => {
    const clock = new VirtualClock();
    const logged: string[] = [];
    const heard: string[] = [];
    const gateway = Gateway.create({
      config,
      host: new World({ clock, seed: 1 }),
      clock,
      logger: { log: (level, text) => logged.push(`${level}: ${text}`) },
    })._unsafeUnwrap();
    gateway.onNews(() => {
      throw new Error('not my day');
    });
    gateway.onNews((news) => heard.push(news.type));

    gateway.start();
    await clock.runFor(10_000);

    expect(heard).toContain('primary_selected');
    expect(logged).toContain('error: A listener for "started" threw: Error: not my day');
  });

  it('may be a logger that throws', async () => {
    const clock = new VirtualClock();
    const log = (): void => {
      throw new Error('disk full');
    };
    const host = new World({ clock, seed: 1 });
    const gateway = Gateway.create({ config, host, clock, logger: { log } })._unsafeUnwrap();

    gateway.start();
    await clock.runFor(10_000);

    expect(gateway.status().primary).toBe('he');
  });

  it('hears only the news it asked for, until it has heard enough', async () => {
    const stage = new Stage({ config });
    const heard: string[] = [];
    const off = stage.gateway.on('tunnel_state', (news) => heard.push(news.to));
    stage.gateway.start();
    await stage.run(1_000);
    off();

    stage.gateway.lower('he');
    await stage.run(1_000);

    expect(heard).toEqual(['starting', 'up']);
  });

  it('may give orders from within the news', async () => {
    const stage = new Stage({ config });
    stage.gateway.on('primary_selected', () => stage.gateway.lower('he'));

    stage.gateway.start();
    await stage.run(10_000);

    expect(stage.tunnel('he').state).toBe('down');
  });
});

import { describe, expect, it } from 'vitest';
import { HandProber, Stage, simulatedConfig, simulatedTunnel } from '../testing/index.js';

const TUNNELS = [
  simulatedTunnel('he-primary', { type: 'he_6in4', iface: 'he0', priority: 0 }),
  simulatedTunnel('wg-backup', { type: 'wireguard', iface: 'wg0', priority: 1 }),
];

describe('README "Automatic Failover"', () => {
  it('brings up two tunnels and sends traffic through the preferred one', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: TUNNELS }) });

    stage.gateway.start();
    await stage.run(10_000);

    expect(stage.tunnel('he-primary')).toMatchObject({ state: 'up', liveness: 'alive', primary: true });
    expect(stage.tunnel('wg-backup')).toMatchObject({ state: 'up', liveness: 'alive', primary: false });
    expect(stage.world.plan.via?.iface).toBe('he0');
    expect(stage.world.plan.standbys.map((hop) => hop.iface)).toEqual(['wg0']);
    expect(stage.log()).toContain('Selected primary tunnel: he-primary (health: 100)');
  });

  it('logs the example of "Monitoring Failover" word for word', async () => {
    const prober = new HandProber();
    const config = simulatedConfig({ tunnels: TUNNELS });
    const stage = new Stage({ config, host: (world) => ({ ...world, prober }) });
    const said = sentencesFrom(stage);
    stage.gateway.start();
    await stage.run(500);

    // One of twenty lost is a score of 95; three of twenty are 85; three of four are 25.
    measure(prober, 'he0', 'LRRRRRRRRRRRRRRRRRRR');
    await stage.run(500);
    for (let slot = 0; slot < 40; slot += 1) {
      if (slot > 0) measure(prober, 'he0', slot < 20 ? 'LRRRRRRRRRRRRRRRRRRR' : 'LLLR');
      measure(prober, 'wg0', 'LRRRRRRLRRRRRRRLRRRR');
      await stage.run(3_000);
    }

    expect(said()).toEqual([
      '[INFO] Selected primary tunnel: he-primary (health: 95)',
      '[WARN] Primary tunnel he-primary health degraded: 25/100',
      '[INFO] Failing over from he-primary to wg-backup (health: 25 -> 85)',
    ]);
    expect(stage.world.egress()).toBe('wg0');
  });
});

/** Reports one slot's probes: L lost, R replied. */
function measure(prober: HandProber, iface: string, outcomes: string): void {
  for (const outcome of outcomes) outcome === 'L' ? prober.lose(iface) : prober.reply(iface);
}

/** What the log says about primaries, as the daemon prints it. */
function sentencesFrom(stage: Stage): () => readonly string[] {
  return () => stage.sentences().filter((line) => /primary tunnel:|degraded|Failing/.test(line));
}

import { Stage, simulatedConfig, simulatedTunnel } from '@hurricane/core/testing';
import { describe, expect, it } from 'vitest';
import { waysOf } from './ways.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const wg = simulatedTunnel('wg', { priority: 1 });

describe('the ways of a gateway', () => {
  it('are the tunnels that are up, the primary first', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: [wg, he] }) });
    const ways = waysOf(stage.gateway);
    expect(ways.now()).toEqual([]);

    stage.gateway.start();
    await stage.run(5_000);

    expect(ways.now()).toEqual([
      { tunnel: 'he', iface: he.iface, address: '2001:db8:2::2', primary: true, liveness: 'alive' },
      { tunnel: 'wg', iface: wg.iface, address: '2001:db8:1::2', primary: false, liveness: 'alive' },
    ]);
  });

  it('say when one is left, called unreachable, and gone, and are silent about probes', async () => {
    const stage = new Stage({ config: simulatedConfig({ tunnels: [he, wg] }) });
    const ways = waysOf(stage.gateway);
    stage.gateway.start();
    await stage.run(5_000);
    const seen: string[] = [];
    const leave = ways.onChange(() =>
      seen.push(
        ways
          .now()
          .map((way) => `${way.tunnel} ${way.liveness}${way.primary ? ' primary' : ''}`)
          .join(', '),
      ),
    );

    await stage.run(20_000);
    expect(seen).toEqual([]);

    stage.world.cut('he', 'pop');
    await stage.run(10_000);
    stage.gateway.lower('he');
    await stage.run(1_000);

    expect(seen).toContain('wg alive primary, he doubtful');
    expect(seen).toContain('wg alive primary, he hard_down');
    expect(seen.at(-1)).toBe('wg alive primary');
    leave();
    stage.gateway.lower('wg');
    await stage.run(1_000);
    expect(seen.at(-1)).toBe('wg alive primary');
    expect(ways.now()).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { diagnosisView, type TunnelDiagnosis } from './diagnosis.js';
import { Stage, simulatedConfig, simulatedTunnel } from './testing/index.js';

const config = simulatedConfig({
  tunnels: [
    simulatedTunnel('he', { type: 'he_6in4', address: '2001:db8:1::2' }),
    simulatedTunnel('wg', { address: '2001:db8:2::2', priority: 1 }),
  ],
});

describe('a diagnosis', () => {
  it('finds nothing wrong where all is well, and says who answered', async () => {
    const stage = await Stage.running({ config });

    expect(findingsOf(stage)).toEqual([
      'Tunnel he answers and scores 100 of 100',
      'Tunnel wg answers and scores 100 of 100',
    ]);
    expect(diagnosisOf(stage, 'he')).toMatchObject({
      fault_place: null,
      underlay: { address: '192.0.2.1', verdict: 'answers', misses_in_a_row: 0 },
      pop: { address: '2001:db8:1::1', verdict: 'answers' },
      targets: { verdict: 'answers' },
    });
    // A WireGuard tunnel's provider has no address that is known.
    expect(diagnosisOf(stage, 'wg').pop).toMatchObject({ address: null, verdict: 'unknown', heard_s_ago: null });
  });

  it.each([
    ['underlay', { underlay: 'silent', pop: 'silent' }, 'on the IPv4 path: the tunnel server cannot be reached'],
    ['pop', { underlay: 'answers', pop: 'silent' }, 'at the tunnel server: it can be reached, and nothing comes back'],
    ['upstream', { underlay: 'answers', pop: 'answers' }, 'beyond the tunnel server, which itself answers'],
  ] as const)('names the place where it is broken: %s', async (place, rings, sentence) => {
    const stage = await Stage.running({ config });

    stage.world.cut('he', place);
    await stage.run(10_000);

    expect(findingsOf(stage)[0]).toContain(`Tunnel he is broken ${sentence}`);
    const found = diagnosisOf(stage, 'he');
    expect(found).toMatchObject({ fault_place: place, liveness: 'hard_down', targets: { verdict: 'silent' } });
    expect({ underlay: found.underlay.verdict, pop: found.pop.verdict }).toEqual(rings);
    expect(found.targets.heard_s_ago).toBeGreaterThan(8);
  });
});

const viewOf = (stage: Stage) => diagnosisView(stage.gateway.state, stage.clock.now());
const findingsOf = (stage: Stage): readonly string[] => viewOf(stage).findings;

function diagnosisOf(stage: Stage, tunnel: string): TunnelDiagnosis {
  const found = viewOf(stage).tunnels.find((each) => each.tunnel === tunnel);
  if (found === undefined) throw new Error(`there is no tunnel ${tunnel}`);
  return found;
}

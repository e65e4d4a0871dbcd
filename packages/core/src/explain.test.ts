import { describe, expect, it } from 'vitest';
import type { Config, FailoverPolicy } from './config/model.js';
import { explainFailover } from './explain.js';
import type { Candidate, FailoverExplanation } from './explanation.js';
import { Stage, simulatedConfig, simulatedTunnel } from './testing/index.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const wg = simulatedTunnel('wg', { priority: 1 });
const mv = simulatedTunnel('mv', { type: 'mullvad', priority: 2 });

describe('the rule in force', () => {
  it('is that nothing better ranks above the primary', async () => {
    const { rule, state, since } = explained(await staged());

    expect(state).toBe('holding');
    expect(since).toBe(1_700_000_000);
    expect(rule).toBe('he holds the route since 2023-11-14T22:13:20Z: nothing better ranks above it');
  });

  it('is why whoever ranks above the primary is passed over', async () => {
    const stage = await staged();
    stage.world.link('he0').rtt = 170;
    await stage.run(90_000);

    expect(explained(stage).rule).toMatch(
      /^he holds .+: wg comes before it, and is passed over: priority 1 is less preferred than 0$/,
    );
  });

  it('is that the primary was asked for', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');

    expect(explained(stage)).toMatchObject({
      primary: 'mv',
      preferred: 'mv',
      rule: expect.stringMatching(/^mv holds the route since .+: it was asked for, whatever the ranks say$/),
    });
  });

  it('is that the choice waits for tunnels that are still being judged', async () => {
    const stage = new Stage({ config: configured() });
    stage.gateway.start();
    await stage.run(300);

    const { state, since, rule } = explained(stage);

    expect({ state, since }).toEqual({ state: 'idle', since: null });
    expect(rule).toBe('No tunnel has the route: the choice waits up to 1.7 s for those that are still being judged');
  });

  it('is that a silent primary is left once another one has proved itself', async () => {
    const stage = await staged();
    stage.world.cut('he');
    await stage.runUntil(() => stage.tunnel('he').liveness === 'soft_down', 5_000, 1);
    const { state } = stage.gateway;
    const tunnels = state.tunnels.map((t) => ({ ...t, liveness: { ...t.liveness, provenAt: 0 } }));

    const waiting = explainFailover(
      { ...state, tunnels, failover: { kind: 'holding', primary: 'he', since: 0 } },
      stage.clock.now(),
      0,
    );

    expect(waiting.rule).toBe(
      'he answers nothing (soft_down): it is left once another tunnel has answered a probe sent since',
    );
    expect(waiting.candidates.filter(({ tunnel }) => tunnel !== 'he')).toMatchObject([
      { fit: false, passed_over: 'has answered no probe since the primary fell silent' },
      { fit: false, passed_over: 'has answered no probe since the primary fell silent' },
    ]);
  });

  it('is that traffic stays on a dead primary while nobody else is fit', async () => {
    const stage = await staged();
    stage.gateway.lower('wg');
    stage.gateway.lower('mv');
    await stage.run(1_000);
    stage.world.cut('he');
    await stage.run(10_000);

    expect(explained(stage)).toMatchObject({
      state: 'stranded',
      rule:
        'he answers nothing (hard_down), broken on the IPv4 path, and no other tunnel is fit: ' +
        'traffic stays on it until one is',
    });
  });

  it('is that a gateway that is stopped gives nobody the route', async () => {
    const stage = new Stage({ config: configured() });

    const { rule, next, candidates } = explainFailover(stage.gateway.state, 0, 0);

    expect(rule).toBe('The gateway is stopped: no tunnel has the route');
    expect(next).toEqual([]);
    expect(candidates[0]?.passed_over).toBe('the gateway is stopped');
  });
});

describe('a candidate that is passed over', () => {
  it('is told with all that was weighed', async () => {
    const { candidates } = explained(await staged());

    expect(candidates).toEqual([
      {
        tunnel: 'he',
        priority: 0,
        score: 100,
        bonus: 25,
        rank: 125,
        state: 'up',
        liveness: 'alive',
        fault_place: null,
        fit: true,
        passed_over: null,
      },
      expect.objectContaining({ tunnel: 'wg', rank: 120, passed_over: 'priority 1 is less preferred than 0' }),
      expect.objectContaining({ tunnel: 'mv', rank: 115, passed_over: 'priority 2 is less preferred than 0' }),
    ]);
  });

  it('because its score is too low for a backup', async () => {
    const stage = await staged({ takeAtLeast: 90 });
    stage.world.link('wg0').rtt = 150;
    await stage.run(90_000);

    expect(candidate(stage, 'wg')).toMatchObject({
      score: 75,
      fit: false,
      passed_over: 'scores 75, and a backup must score at least 90',
    });
  });

  it('because nothing comes back through it, and where it is broken', async () => {
    const stage = await staged();
    stage.world.cut('mv', 'pop');
    await stage.run(20_000);

    expect(candidate(stage, 'mv')).toMatchObject({
      score: 0,
      rank: 15,
      fault_place: 'pop',
      passed_over: 'answers nothing (hard_down), broken at the tunnel server',
    });
  });

  it('because it could not be brought up', async () => {
    const stage = new Stage({ config: configured() });
    stage.world.link('wg0').faults = { raiseFails: 1 };
    stage.gateway.start();
    await stage.run(10_000);

    expect(candidate(stage, 'wg')).toMatchObject({
      score: null,
      rank: null,
      state: 'failed',
      passed_over: expect.stringMatching(/^failed: .+simulated failure; next try in [\d.]+ s$/),
    });
  });

  it('because it was lowered, and because a reload has removed it', async () => {
    const stage = await staged();
    stage.gateway.lower('wg');
    stage.world.link('mv0').faults = { operationTime: [5_000, 5_000] };
    stage.gateway.reload(simulatedConfig({ tunnels: [he, wg] }));
    await stage.run(1_000);

    expect(candidate(stage, 'wg').passed_over).toBe('was lowered by the operator');
    expect(candidate(stage, 'mv').passed_over).toBe('a reload has removed it');
  });

  it('because it has not been sound for as long as it must', async () => {
    const stage = await staged();
    stage.world.cut('he');
    await stage.run(10_000);
    stage.world.restore('he');
    await stage.run(13_000);

    const { primary, next } = explained(stage);

    expect(primary).toBe('wg');
    const why = candidate(stage, 'he').passed_over ?? '';
    expect(why).toMatch(/^sound for 1[12](\.\d)? s of the 60 s it must be before it takes the route back$/);
    expect(next.at(-1)).toMatch(/^he takes the route in 4[78](\.\d)? s if it stays sound$/);
    await stage.run(50_000);
    expect(stage.primary).toBe('he');
  });

  it('because another one was asked for', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');

    const { candidates } = explained(stage);

    expect(candidates.map(({ tunnel, passed_over }) => [tunnel, passed_over])).toEqual([
      ['mv', null],
      ['he', 'mv was asked for'],
      ['wg', 'mv was asked for'],
    ]);
  });

  it('because what it is ahead by counts at the next check', async () => {
    const tunnels = [simulatedTunnel('a'), simulatedTunnel('b')];
    const stage = await Stage.running({ config: simulatedConfig({ tunnels }) });
    await stage.run(60_000);
    stage.world.link('a0').rtt = 170;

    const isAhead = /^is ahead, but scores count at the next check in [\d.]+ s$/;
    await stage.runUntil(() => isAhead.test(candidate(stage, 'b').passed_over ?? ''), 90_000);

    expect(stage.primary).toBe('a');
    await stage.run(60_000);
    expect(stage.primary).toBe('b');
  });
});

describe('what would move the route', () => {
  it('is who would take over from the primary, and when', async () => {
    expect(explained(await staged()).next).toEqual([
      'If he falls silent, fails or is lowered, wg takes over',
      'If he, which scores 100, is below 30 at the next check in 50 s, wg takes over',
    ]);
  });

  it('is nothing, where no other tunnel is fit', async () => {
    const stage = await staged();
    stage.gateway.lower('wg');
    stage.gateway.lower('mv');
    await stage.run(1_000);

    expect(explained(stage).next[0]).toBe(
      'If he falls silent, fails or is lowered, no other tunnel is fit to take over',
    );
  });

  it('is what keeps the tunnel that was asked for', async () => {
    const stage = await staged();
    stage.gateway.prefer('mv');
    stage.world.cut('mv', 'pop');
    await stage.run(20_000);

    expect(explained(stage).next).toContain(
      'mv was asked for, and has not got the route yet: answers nothing (hard_down), broken at the tunnel server',
    );
  });
});

function explained(stage: Stage): Omit<FailoverExplanation, 'switches'> {
  return explainFailover(stage.gateway.state, stage.clock.now(), stage.clock.wall());
}

function candidate(stage: Stage, tunnel: string): Candidate {
  return explained(stage).candidates.find((c) => c.tunnel === tunnel)!;
}

function configured(failover: Partial<FailoverPolicy> = {}): Config {
  return simulatedConfig({ tunnels: [he, wg, mv], failover });
}

async function staged(failover: Partial<FailoverPolicy> = {}): Promise<Stage> {
  const stage = new Stage({ config: configured(failover) });
  stage.world.link('mv0').endpoint = '198.51.100.1:51820';
  stage.gateway.start();
  await stage.run(10_000);
  return stage;
}

import { describe, expect, it } from 'vitest';
import { Gateway } from './gateway.js';
import { Insight } from './insight.js';
import type { NewsEntry } from './news-log.js';
import { Stage, simulatedConfig, simulatedHost, simulatedTunnel, VirtualClock } from './testing/index.js';

const he = simulatedTunnel('he', { type: 'he_6in4', priority: 0 });
const wg = simulatedTunnel('wg', { priority: 1 });
const config = simulatedConfig({ tunnels: [he, wg] });

describe('the switches of an explanation', () => {
  it('are every move of the route, newest first, with what was known then', async () => {
    const { stage, insight } = watched();
    await started(stage);
    stage.world.cut('he', 'pop');
    await stage.run(10_000);

    const { switches, primary } = insight.explain();

    expect(primary).toBe('wg');
    expect(switches).toMatchObject([
      { from: 'he', to: 'wg', reason: 'soft_down', from_score: 0, to_score: 100 },
      { from: null, to: 'he', reason: 'selected', from_score: null, to_score: 100 },
    ]);
    expect(switches[0]?.at).toBeGreaterThan(1_700_000_010_000);
    expect(switches[0]?.candidates).toMatchObject([
      { tunnel: 'wg', score: 100, fit: true, passed_over: null },
      { tunnel: 'he', score: 0, fit: false, passed_over: 'answers nothing (soft_down)' },
    ]);
    expect(switches[1]?.candidates).toMatchObject([
      { tunnel: 'he', fit: true },
      { tunnel: 'wg', fit: true },
    ]);
  });

  it('name an operator as the reason', async () => {
    const { stage, insight } = watched();
    await started(stage);

    stage.gateway.prefer('wg');

    expect(insight.explain()).toMatchObject({
      primary: 'wg',
      preferred: 'wg',
      switches: [
        {
          from: 'he',
          to: 'wg',
          reason: 'preferred',
          candidates: [
            { tunnel: 'wg', fit: true },
            { tunnel: 'he', fit: false, passed_over: 'wg was asked for' },
          ],
        },
        {},
      ],
    });
  });

  it('are the last fifty', async () => {
    const { stage, insight } = watched();
    await started(stage);

    for (let i = 0; i < 60; i += 1) stage.gateway.prefer(i % 2 === 0 ? 'wg' : 'he');

    const { switches } = insight.explain();
    expect(switches).toHaveLength(50);
    expect(switches[0]).toMatchObject({ from: 'wg', to: 'he' });
  });
});

describe('the history', () => {
  it('has a sample a second, whatever the probes do, and rates from the counters', async () => {
    const { stage, insight } = watched();
    await started(stage);
    stage.world.link('he0').inflow = 50_000;
    await stage.run(60_000);

    const { samples } = insight.history({ tunnel: 'he', since: null }).tunnels[0]!;

    expect(samples).toHaveLength(70);
    expect(samples.map(({ at }) => at)).toEqual(samples.map((_, i) => samples[0]!.at + i));
    const { latency_ms, loss, score, rx_bytes_per_s } = samples.at(-1)!;
    expect(latency_ms).toBeGreaterThan(19);
    expect({ loss, score }).toEqual({ loss: 0, score: 100 });
    expect(rx_bytes_per_s).toBeGreaterThan(49_000);
    expect(rx_bytes_per_s).toBeLessThan(52_000);
    expect(samples[0]).toMatchObject({ latency_ms: expect.any(Number), rx_bytes_per_s: null });
  });

  it('knows nothing of a tunnel that is down, and no latency of a silent one', async () => {
    const { stage, insight } = watched();
    await started(stage);
    stage.gateway.lower('wg');
    stage.world.cut('he');
    await stage.run(20_000);

    const [silent, down] = insight.history({ tunnel: null, since: null }).tunnels;

    expect(silent?.samples.at(-1)).toMatchObject({ latency_ms: null, score: 0 });
    expect(silent?.samples.at(-1)?.loss).toBeGreaterThan(0);
    expect(down?.samples.at(-1)).toMatchObject({
      latency_ms: null,
      loss: null,
      score: null,
      rx_bytes_per_s: null,
      tx_bytes_per_s: null,
    });
  });

  it('knows no rate where nobody can read counters', async () => {
    const { stage, insight } = watched();
    await started(stage);
    stage.world.faults = { ...stage.world.faults, meterFails: 1 };
    await stage.run(20_000);

    expect(insight.history({ tunnel: 'he', since: null }).tunnels[0]?.samples.at(-1)).toMatchObject({
      score: 100,
      rx_bytes_per_s: null,
    });
  });

  it('forgets a tunnel that a reload removes, and knows a renamed one for a new one', async () => {
    const { stage, insight } = watched();
    await started(stage);

    stage.gateway.reload(simulatedConfig({ tunnels: [he, { ...wg, name: 'wg-berlin' }] }));

    const lengths = (): unknown =>
      insight.history({ tunnel: null, since: null }).tunnels.map((t) => [t.tunnel, t.samples.length]);
    expect(lengths()).toEqual([
      ['he', 10],
      ['wg-berlin', 0],
    ]);
    await stage.run(5_000);
    expect(lengths()).toEqual([
      ['he', 15],
      ['wg-berlin', 5],
    ]);
  });

  it('follows a wall clock that is set, and numbers every second once where alarms are late', async () => {
    const { stage, insight } = watched();
    await started(stage);
    stage.clock.skewWall(1);
    await stage.run(5_000);
    stage.clock.skewWall(500);
    await stage.run(5_000);

    const times = insight
      .history({ tunnel: 'he', since: null })
      .tunnels[0]!.samples.map(({ at }) => at - 1_700_000_000);

    expect(times).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 517, 518, 519, 520, 521]);
  });

  it('is taken while the gateway runs: a stopped one leaves no alarm armed, and a started one goes on', async () => {
    const { stage, insight } = watched();
    expect(stage.clock.pending()).toEqual([]);
    await started(stage);
    void stage.gateway.stop();
    await stage.run(60_000);
    expect(stage.clock.pending()).not.toContain('insight');
    const before = insight.history({ tunnel: 'he', since: null }).tunnels[0]!.samples.length;

    stage.gateway.start();
    await stage.run(10_000);

    expect(insight.history({ tunnel: 'he', since: null }).tunnels[0]!.samples.length).toBe(before + 10);
  });
});

describe('the news', () => {
  it('is all that the gateway says, as it says it', async () => {
    const { stage, insight } = watched();
    await started(stage);

    const { entries, lastId } = insight.news.since(null);

    expect(entries.map(({ news }) => news)).toEqual(stage.news.map(({ news }) => news));
    expect(entries.map(({ at }) => at)).toEqual(stage.news.map(({ at }) => 1_700_000_000_000 + Math.floor(at)));
    expect(entries.at(-1)?.id).toBe(lastId);
    expect(entries[0]).toMatchObject({ id: 1, level: 'info', text: 'Gateway started with 2 tunnels' });
  });

  it('reaches subscribers when what it tells is true already', async () => {
    const { stage, insight } = watched();
    await started(stage);
    const heard: (readonly [NewsEntry['text'], string | null])[] = [];
    insight.news.subscribe(({ text }) => heard.push([text, insight.explain().switches[0]?.to ?? null]));

    stage.gateway.prefer('wg');

    expect(heard).toEqual([
      ['Tunnel wg was asked for: it has the route whenever it is well', 'wg'],
      ['Switching from he to wg as asked (health: 100 -> 100)', 'wg'],
    ]);
  });

  it('stops nobody when a subscriber throws, and the log says so', async () => {
    const clock = new VirtualClock();
    const lines: string[] = [];
    const gateway = Gateway.create({
      config,
      host: simulatedHost({ clock, seed: 1 }),
      clock,
      logger: { log: (_level, text) => lines.push(text) },
    })._unsafeUnwrap();
    const insight = new Insight(gateway);
    const heard: string[] = [];
    insight.news.subscribe(() => {
      throw new Error('mine');
    });
    insight.news.subscribe(({ text }) => heard.push(text));

    gateway.start();
    await clock.runFor(10_000);

    expect(gateway.status().primary).toBe('he');
    expect(heard).toContain('Selected primary tunnel: he (health: 100)');
    expect(lines).toContain('A listener for "started" threw: Error: mine');
  });
});

describe('an insight', () => {
  it('begins with a gateway that runs already', async () => {
    const stage = await Stage.running({ config });
    const insight = new Insight(stage.gateway);
    await stage.run(5_000);

    expect(insight.explain()).toMatchObject({ primary: 'he', switches: [] });
    expect(insight.history({ tunnel: 'he', since: null }).tunnels[0]?.samples).toHaveLength(5);
  });

  it('hears and samples nothing more once it is closed, and tells what it knows', async () => {
    const { stage, insight } = watched();
    await started(stage);
    const { lastId } = insight.news.since(null);

    insight.close();
    insight.close();
    expect(stage.clock.pending()).not.toContain('insight');
    stage.gateway.prefer('wg');
    await stage.run(20_000);
    stage.gateway.reload(simulatedConfig({ tunnels: [he] }));

    expect(insight.news.since(null).lastId).toBe(lastId);
    expect(insight.history({ tunnel: null, since: null }).tunnels.map((t) => t.samples.length)).toEqual([10, 10]);
    expect(insight.explain()).toMatchObject({ primary: 'he', switches: [{ reason: 'selected' }] });
  });

  it('does not keep the gateway from stopping clean', async () => {
    const { stage } = watched();
    await started(stage);

    const stopping = stage.gateway.stop();
    await stage.run(60_000);

    expect((await stopping).isOk()).toBe(true);
    expect(stage.clock.pending()).toEqual([]);
  });
});

function watched(): { readonly stage: Stage; readonly insight: Insight } {
  const stage = new Stage({ config });
  return { stage, insight: new Insight(stage.gateway) };
}

/** Ten seconds. */
async function started(stage: Stage): Promise<void> {
  stage.gateway.start();
  await stage.run(10_000);
}

import { Stage, simulatedConfig, simulatedTunnel } from '@hurricane/core/testing';
import { describe, expect, test } from 'vitest';
import { Metrics, type Observed } from './metrics.js';
import { Histogram } from './metrics-histogram.js';
import { expositionOf } from './metrics-text.js';
import type { FlowSource } from './sources.js';
import { anApp } from './testing-clients.test-support.js';
import { everySource, someFlows } from './testing-sources.test-support.js';
import { aReading, aStatus, aTunnel, heTunnel } from './testing-status.test-support.js';

const KNOWN = `# HELP hurricane_build_info The version that runs.
# TYPE hurricane_build_info gauge
hurricane_build_info{version="1.2.3"} 1
# HELP hurricane_gateway_running Whether the gateway runs.
# TYPE hurricane_gateway_running gauge
hurricane_gateway_running 1
# HELP hurricane_gateway_stranded Whether the primary is sick and no backup is fit.
# TYPE hurricane_gateway_stranded gauge
hurricane_gateway_stranded 0
# HELP hurricane_gateway_targets_silent Whether no probe target answers through any tunnel.
# TYPE hurricane_gateway_targets_silent gauge
hurricane_gateway_targets_silent 0
# HELP hurricane_tunnel_enabled Whether the configuration wants the tunnel up.
# TYPE hurricane_tunnel_enabled gauge
hurricane_tunnel_enabled{tunnel="he"} 1
# HELP hurricane_tunnel_up Whether the tunnel is up.
# TYPE hurricane_tunnel_up gauge
hurricane_tunnel_up{tunnel="he"} 1
# HELP hurricane_tunnel_reachable Whether probes through the tunnel are answered; absent while unknown.
# TYPE hurricane_tunnel_reachable gauge
hurricane_tunnel_reachable{tunnel="he"} 1
# HELP hurricane_tunnel_primary Whether the tunnel has the default route.
# TYPE hurricane_tunnel_primary gauge
hurricane_tunnel_primary{tunnel="he"} 1
# HELP hurricane_tunnel_score Health from 0 (dead) to 100 (perfect); absent while unmeasured.
# TYPE hurricane_tunnel_score gauge
hurricane_tunnel_score{tunnel="he"} 100
# HELP hurricane_tunnel_latency_seconds Median round trip of the last minute; absent while unreachable.
# TYPE hurricane_tunnel_latency_seconds gauge
hurricane_tunnel_latency_seconds{tunnel="he"} 0.035
# HELP hurricane_tunnel_loss_ratio Share of the probes of the last minute that were lost.
# TYPE hurricane_tunnel_loss_ratio gauge
hurricane_tunnel_loss_ratio{tunnel="he"} 0
# HELP hurricane_tunnel_mtu_black_hole Whether packets of full size vanish in the tunnel.
# TYPE hurricane_tunnel_mtu_black_hole gauge
hurricane_tunnel_mtu_black_hole{tunnel="he"} 0
# HELP hurricane_tunnel_state The state of the tunnel: 1 for the one it is in.
# TYPE hurricane_tunnel_state gauge
hurricane_tunnel_state{tunnel="he",state="down"} 0
hurricane_tunnel_state{tunnel="he",state="starting"} 0
hurricane_tunnel_state{tunnel="he",state="up"} 1
hurricane_tunnel_state{tunnel="he",state="stopping"} 0
hurricane_tunnel_state{tunnel="he",state="failed"} 0
# HELP hurricane_tunnel_fault Where the tunnel is broken: 1 for that place.
# TYPE hurricane_tunnel_fault gauge
hurricane_tunnel_fault{tunnel="he",place="local"} 0
hurricane_tunnel_fault{tunnel="he",place="underlay"} 0
hurricane_tunnel_fault{tunnel="he",place="pop"} 0
hurricane_tunnel_fault{tunnel="he",place="upstream"} 0
hurricane_tunnel_fault{tunnel="he",place="target"} 0
# HELP hurricane_tunnel_receive_bytes_total Bytes received through the interface.
# TYPE hurricane_tunnel_receive_bytes_total counter
hurricane_tunnel_receive_bytes_total{tunnel="he"} 1234567
# HELP hurricane_tunnel_transmit_bytes_total Bytes sent through the interface.
# TYPE hurricane_tunnel_transmit_bytes_total counter
hurricane_tunnel_transmit_bytes_total{tunnel="he"} 987654
# HELP hurricane_tunnel_probes_sent_total Probes of the targets that were answered for.
# TYPE hurricane_tunnel_probes_sent_total counter
hurricane_tunnel_probes_sent_total{tunnel="he"} 0
# HELP hurricane_tunnel_probes_lost_total Probes that were not answered in time, or refused.
# TYPE hurricane_tunnel_probes_lost_total counter
hurricane_tunnel_probes_lost_total{tunnel="he"} 0
# HELP hurricane_tunnel_probes_late_total Probes answered after they were counted as lost.
# TYPE hurricane_tunnel_probes_late_total counter
hurricane_tunnel_probes_late_total{tunnel="he"} 0
# HELP hurricane_failovers_total Changes of the primary, by reason.
# TYPE hurricane_failovers_total counter
hurricane_failovers_total{reason="degraded"} 0
hurricane_failovers_total{reason="soft_down"} 0
hurricane_failovers_total{reason="hard_down"} 0
hurricane_failovers_total{reason="not_up"} 0
hurricane_failovers_total{reason="lowered"} 0
hurricane_failovers_total{reason="removed"} 0
hurricane_failovers_total{reason="failback"} 0
hurricane_failovers_total{reason="better_path"} 0
hurricane_failovers_total{reason="preferred"} 0
`;

const TUNNELS = [simulatedTunnel('he'), simulatedTunnel('wg', { priority: 1 })];

describe('the metrics', () => {
  test('of a known status are these, to the letter', () => {
    expect(someMetrics().text(aStatus())).toBe(KNOWN);
  });

  test('leave out what is not known', () => {
    const unknown = aTunnel({ health: null, liveness: 'unknown', reading: null });

    const text = someMetrics().text(aStatus([unknown]));

    expect(text).not.toMatch(/hurricane_tunnel_(reachable|score|latency_seconds|loss_ratio|receive_bytes_total)/);
    expect(text).toContain('hurricane_tunnel_up{tunnel="he"} 1\n');
  });

  test('escape what stands in a label', () => {
    const text = someMetrics().text(aStatus([aTunnel({ config: heTunnel('a"b\\c\nd', 'he0') })]));

    expect(text).toContain('hurricane_tunnel_up{tunnel="a\\"b\\\\c\\nd"} 1\n');
  });

  test('escape what stands in a help text', () => {
    const samples = [{ labels: {}, value: 1 }];

    const text = expositionOf([{ name: 'x', type: 'gauge', help: 'a"b\\c\nd', samples }]);

    expect(text).toBe('# HELP x a"b\\\\c\\nd\n# TYPE x gauge\nx 1\n');
  });

  test('count bytes beyond 2^53 exactly', () => {
    const counters = { rx: 2n ** 53n + 1n, tx: 0n };

    const text = someMetrics().text(aStatus([aTunnel({ reading: aReading({ counters }) })]));

    expect(text).toContain('hurricane_tunnel_receive_bytes_total{tunnel="he"} 9007199254740993\n');
  });

  test('go on counting bytes when an interface is made anew', () => {
    const metrics = someMetrics();
    const at = (rx: bigint): string =>
      metrics.text(aStatus([aTunnel({ reading: aReading({ counters: { rx, tx: 1n } }) })]));

    const read = [1_000n, 1_500n, 20n, 50n].map((rx) => /receive_bytes_total\S+ (\d+)/.exec(at(rx))?.[1]);

    expect(read).toEqual(['1000', '1500', '1520', '1550']);
    expect(metrics.text(aStatus([aTunnel({ reading: null })]))).toMatch(/receive_bytes_total\S+ 1550\n/);
  });

  test('tell a probe that was lost from one that was late', () => {
    const metrics = someMetrics();
    const target = '2001:db8::1';
    const outcomes = [
      { kind: 'reply', rtt: 35, late: false },
      { kind: 'lost' },
      { kind: 'reply', rtt: 700, late: true },
      { kind: 'refused', reason: 'no route' },
    ] as const;

    for (const outcome of outcomes) metrics.observe(probed('he', { target, outcome }));
    metrics.observe(probed('stranger', { target, outcome: { kind: 'lost' } }));

    const text = metrics.text(aStatus());
    expect(text).toContain('probes_sent_total{tunnel="he"} 3\n');
    expect(text).toContain('probes_lost_total{tunnel="he"} 2\n');
    expect(text).toContain('probes_late_total{tunnel="he"} 1\n');
    // A bound belongs to its bucket.
    expect(text).toContain('probe_rtt_seconds_bucket{tunnel="he",le="0.02"} 0\n');
    expect(text).toContain('probe_rtt_seconds_bucket{tunnel="he",le="0.035"} 1\n');
    expect(text).toContain('probe_rtt_seconds_bucket{tunnel="he",le="1"} 2\n');
    expect(text).toContain('probe_rtt_seconds_bucket{tunnel="he",le="+Inf"} 2\n');
    expect(text).toContain('probe_rtt_seconds_sum{tunnel="he"} 0.735\n');
    expect(text).toContain('probe_rtt_seconds_count{tunnel="he"} 2\n');
    expect(text).not.toContain('stranger');
  });
});

describe('the metrics of a relay', () => {
  test('tell what it carries, how flows end, what was refused and what went wrong', async () => {
    const text = await (await anApp(everySource()).app.request('/metrics')).text();

    expect(text.split('\n').filter((line) => line.startsWith('hurricane_relay_'))).toEqual([
      'hurricane_relay_engine{name="native"} 1',
      'hurricane_relay_flows{kind="tcp"} 1',
      'hurricane_relay_flows{kind="udp"} 1',
      'hurricane_relay_bytes_total{kind="tcp",direction="sent"} 110',
      'hurricane_relay_bytes_total{kind="tcp",direction="received"} 220',
      'hurricane_relay_bytes_total{kind="udp",direction="sent"} 110',
      'hurricane_relay_bytes_total{kind="udp",direction="received"} 220',
      'hurricane_relay_flows_ended_total{kind="tcp",end="finished"} 3',
      'hurricane_relay_flows_ended_total{kind="tcp",end="reset"} 1',
      'hurricane_relay_flows_ended_total{kind="udp",end="finished"} 3',
      'hurricane_relay_flows_ended_total{kind="udp",end="reset"} 1',
      'hurricane_relay_flows_refused_total{kind="tcp",reason="too_many_flows"} 0',
      'hurricane_relay_flows_refused_total{kind="udp",reason="too_many_flows"} 0',
      'hurricane_relay_faults_total{kind="tcp",reason="refused"} 2',
    ]);
  });
});

describe('the metrics of a proxy', () => {
  test('tell what it was asked, and are not there without one', async () => {
    const metricsOf = async (flows: FlowSource): Promise<readonly string[]> => {
      const text = await (await anApp({ ...everySource(), flows }).app.request('/metrics')).text();
      return text.split('\n').filter((line) => line.startsWith('hurricane_socks5_'));
    };

    expect(await metricsOf(someFlows())).toEqual([
      'hurricane_socks5_clients_total 7',
      'hurricane_socks5_clients_refused_total{reason="not_allowed"} 1',
      'hurricane_socks5_handshakes_failed_total{reason="wrong_version"} 2',
      'hurricane_socks5_replies_total{reply="succeeded"} 3',
      'hurricane_socks5_datagrams_dropped_total{reason="stranger"} 4',
      'hurricane_socks5_opening 5',
      'hurricane_socks5_associations 6',
    ]);
    expect(await metricsOf({ ...someFlows(), socks5: () => null })).toEqual([]);
  });
});

describe('the metrics of a gateway', () => {
  test('never go back over reloads and failovers, and agree with what happened', async () => {
    const { stage, metrics, text, take } = await observed();
    const he = TUNNELS[0] ?? simulatedTunnel('he');
    const before = countersIn(text());

    stage.world.cut('he', 'pop');
    await stage.run(10_000);
    const after = countersIn(text());
    const config = simulatedConfig({ tunnels: [...TUNNELS, simulatedTunnel('more', { enabled: false })] });
    stage.gateway.reload(config)._unsafeUnwrap();
    await stage.run(5_000);
    take();
    const reloaded = countersIn(text());

    expect(lower(before, after)).toEqual([]);
    expect(lower(after, reloaded)).toEqual([]);
    expect(sum(reloaded, 'hurricane_failovers_total')).toBe(stage.newsOf('failed_over').length);
    expect(stage.newsOf('failed_over').length).toBeGreaterThan(0);
    expect(reloaded.get('hurricane_tunnel_probes_sent_total{tunnel="wg"}') ?? 0).toBeGreaterThan(
      before.get('hurricane_tunnel_probes_sent_total{tunnel="wg"}') ?? 0,
    );
    expect(reloaded.get('hurricane_tunnel_probes_lost_total{tunnel="he"}') ?? 0).toBeGreaterThanOrEqual(11);
    expect(metrics.text(stage.gateway.status())).toContain(`tunnel="${he.name}"`);
  });

  test('lose a tunnel that a reload removes, and begin again with its namesake', async () => {
    const { stage, text, take } = await observed();
    const [he = simulatedTunnel('he')] = TUNNELS;
    stage.gateway.reload(simulatedConfig({ tunnels: [he] }))._unsafeUnwrap();
    await stage.run(5_000);
    take();

    expect(text()).not.toContain('tunnel="wg"');
    expect(text()).toContain('tunnel="he"');

    stage.gateway.reload(simulatedConfig({ tunnels: TUNNELS }))._unsafeUnwrap();
    expect(text()).toContain('probes_sent_total{tunnel="wg"} 0\n');
  });
});

describe('GET /metrics', () => {
  test('is text of version 0.0.4, and counts answers by operation and class of status', async () => {
    const { app } = anApp({ metrics: someMetrics() });
    for (const path of ['/', '/health', '/health/', '/tunnels/he', '/tunnels/nope', '/nope', '/docs/x'])
      await app.request(path);
    await app.request('/health', { method: 'POST' });
    await app.request('/health', { headers: { host: 'attacker.example' } });

    const response = await app.request('/metrics', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1' },
    });

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    const counts = [...text.matchAll(/duration_seconds_count\{operation="(\w+)",status="(\w+)"\} (\d+)/g)];
    expect(counts.map(([, ...row]) => row.join(' ')).sort()).toEqual(
      ['getHealth 2xx 2', 'getIndex 2xx 1', 'getTunnel 2xx 1', 'getTunnel 4xx 1', 'none 4xx 4'].sort(),
    );
  });

  test('says so where there are none', async () => {
    const response = await anApp().app.request('/metrics');

    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ detail: 'This gateway offers no metrics.' });
  });

  test('answers 500 and reports it when the status cannot be had', async () => {
    const broken = new Error('broken');
    const status = (): never => {
      throw broken;
    };

    const { app, defects } = anApp({ gateway: { status }, metrics: someMetrics() });

    expect((await app.request('/metrics')).status).toBe(500);
    expect(defects).toEqual([broken]);
  });
});

test('a histogram forgets the rows that are not kept', () => {
  const histogram = new Histogram([1]);
  for (const key of ['a', 'b']) histogram.observe(key, 2, () => ({ key }));

  histogram.keep((key) => key === 'b');

  expect(histogram.samples()).toEqual([
    { suffix: '_bucket', labels: { key: 'b', le: '1' }, value: 0 },
    { suffix: '_bucket', labels: { key: 'b', le: '+Inf' }, value: 1 },
    { suffix: '_sum', labels: { key: 'b' }, value: 2 },
    { suffix: '_count', labels: { key: 'b' }, value: 1 },
  ]);
});

const someMetrics = (): Metrics => new Metrics({ version: '1.2.3' });

/** A gateway on a stage; `take` shows the metrics all steps since the last time. */
async function observed() {
  const stage = await Stage.running({
    config: simulatedConfig({ tunnels: TUNNELS }),
    links: TUNNELS.map(({ iface }) => ({ iface })),
  });
  const metrics = someMetrics();
  const take = (): void => {
    for (const step of stage.steps.splice(0)) metrics.observe(step);
  };
  const text = (): string => {
    take();
    return metrics.text(stage.gateway.status());
  };
  return { stage, metrics, text, take };
}

function probed(tunnel: string, finding: Extract<Observed['event'], { type: 'probed' }>['finding']): Observed {
  const known = { config: { name: 'he' } } as Observed['after']['tunnels'][number];
  return {
    event: { type: 'probed', tunnel, epoch: 1, stream: 'targets', finding },
    effects: [],
    after: { tunnels: [known] },
  };
}

/** Whatever only grows: counters, and the buckets, sums and counts of histograms. */
function countersIn(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^(\w+_(?:total|bucket|sum|count)\S*) (\S+)$/gm)].map((m) => [`${m[1]}`, Number(m[2])]),
  );
}

const lower = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): readonly string[] =>
  [...a].filter(([name, value]) => (b.get(name) ?? -1) < value).map(([name]) => name);

const sum = (counters: ReadonlyMap<string, number>, name: string): number =>
  [...counters].reduce((total, [key, value]) => total + (key.startsWith(name) ? value : 0), 0);

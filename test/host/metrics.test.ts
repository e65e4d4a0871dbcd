import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Stage, simulatedConfig, simulatedTunnel } from '@hurricane/core/testing';
import { createApp, Metrics } from '@hurricane/http';
import { processSource, serve } from '@hurricane/http/node';
import { beforeAll, describe, expect, it } from 'vitest';
import { someFlows } from '../../packages/http/src/testing-sources.test-support.js';
import { run } from '../support/command.js';
import { requireHost } from '../support/require-host.js';
import { waitFor } from '../support/wait-for.js';

const config = (name: string): string => fileURLToPath(new URL(`../../config/${name}`, import.meta.url));

const missing = requireHost({ tools: ['promtool'] });

describe.skipIf(missing !== null)(`Prometheus${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let text: string;

  beforeAll(async () => {
    text = await scraped();
  });

  it('finds nothing to object to in what a server answers', async () => {
    const checked = await run(['promtool', 'check', 'metrics'], { input: text });

    expect(checked).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('objects to a metric that breaks its rules, so that its silence means something', async () => {
    const checked = await run(['promtool', 'check', 'metrics'], { input: text.replaceAll('_bytes_total', '_bytes') });

    expect(checked.exitCode).not.toBe(0);
  });

  it('accepts the alert rules', async () => {
    expect(await run(['promtool', 'check', 'rules', config('prometheus/alerts.yml')])).toMatchObject({ exitCode: 0 });
  });

  it('raises each alert when it is due, and not before', async () => {
    const tested = await run(['promtool', 'test', 'rules', config('prometheus/alerts.test.yml')]);

    expect(tested, tested.stdout + tested.stderr).toMatchObject({ exitCode: 0 });
  });

  it('has a test for every alert', () => {
    const alerts = [...read('prometheus/alerts.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    const tests = read('prometheus/alerts.test.yml');

    expect(alerts.length).toBeGreaterThan(5);
    expect(alerts.filter((name) => !tests.includes(`alertname: ${name}\n        exp_alerts:\n`))).toEqual([]);
  });

  it.each(['prometheus/alerts.yml', 'grafana/hurricane.json'])('%s asks for metrics that exist only', (file) => {
    const asked = new Set(
      expressionsOf(file)
        .join('\n')
        .match(/\b(hurricane|process)_\w+/g),
    );
    const offered = new Set(text.split('\n').map((line) => /^\w+/.exec(line)?.[0]));

    expect(asked.size).toBeGreaterThan(5);
    expect([...asked].filter((name) => !offered.has(name))).toEqual([]);
  });
});

/** What a server with two tunnels, one of them broken, answers after some requests. */
async function scraped(): Promise<string> {
  const tunnels = [simulatedTunnel('he'), simulatedTunnel('wg', { priority: 1 })];
  const stage = await Stage.running({
    config: simulatedConfig({ tunnels }),
    links: tunnels.map(({ iface }) => ({ iface })),
  });
  stage.world.cut('he', 'pop');
  await stage.run(60_000);
  const source = processSource();
  const metrics = new Metrics({ version: '1.2.3', process: source });
  for (const step of stage.steps) metrics.observe(step);
  const onDefect = (defect: unknown): void => expect.fail(String(defect));
  const app = createApp({ gateway: stage.gateway, metrics, flows: someFlows(), version: '1.2.3', onDefect });
  const listener = (await serve({ app, bind: '127.0.0.1', port: 0, onDefect }))._unsafeUnwrap();
  await fetch(`${listener.url}/health`);
  await fetch(`${listener.url}/nope`);
  const seen = async (): Promise<string> => (await fetch(`${listener.url}/metrics`)).text();
  // The lag of the event loop is measured once a second.
  const isThere = async (): Promise<boolean> => (await seen()).includes('hurricane_event_loop_lag_seconds_count');
  await waitFor(isThere, 10_000, 'the first look at the event loop');
  const text = await seen();
  await listener.close(1_000);
  source.close();
  return text;
}

function expressionsOf(file: string): readonly string[] {
  if (!file.endsWith('.json')) return [...read(file).matchAll(/expr: (\|\n(?: {10}.*\n)+|.*)/g)].map(([, e]) => `${e}`);
  const dashboard = JSON.parse(read(file)) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
    readonly templating: { readonly list: readonly { readonly query: string }[] };
  };
  const variables = dashboard.templating.list.map(({ query }) => query);
  return [...variables, ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))];
}

const read = (name: string): string => readFileSync(config(name), 'utf8');

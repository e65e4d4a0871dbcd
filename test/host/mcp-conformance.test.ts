import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hurricane/http/node';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SocketBridge } from '../../packages/mcp/src/testing-bridge.test-support.js';
import { builtCli } from '../support/cli.js';
import { type Running, run } from '../support/command.js';
import { conformanceSuite, isMetIn } from '../support/conformance.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';

/** Node's start, the bundle's, and a busy machine. */
const START_LIMIT = 20_000;
const SUITE_LIMIT = 60_000;

/** What the suite can ask of a product: its other scenarios call tools, resources and prompts of fixed names. */
const WITHOUT_FIXTURES = {
  '2025-11-25': ['server-initialize', 'ping', 'tools-list', 'resources-list', 'prompts-list'],
  '2026-07-28': ['tools-list', 'resources-list', 'prompts-list', 'caching', 'sep-2164-resource-not-found'],
} as const;
/** Of HTTP itself, which no bridge before a socket stands for. */
const OF_HTTP = {
  '2025-11-25': ['dns-rebinding-protection'],
  '2026-07-28': ['dns-rebinding-protection', 'http-header-validation'],
} as const;
const REVISIONS = ['2025-11-25', '2026-07-28'] as const;

const rows = (scenarios: { readonly [revision in (typeof REVISIONS)[number]]: readonly string[] }) =>
  REVISIONS.flatMap((revision) => scenarios[revision].map((scenario) => [scenario, revision] as const));

const missing = requireHost({ root: true, tools: ['ip'] });

describe.skipIf(missing !== null)(
  `a running daemon, judged by the official conformance suite${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let bed: Testbed;
    let daemon: Running;
    let folder: string;
    let socket: string;

    beforeAll(async () => {
      const [made, cli] = await Promise.all([Testbed.create({ pops: 1, plain: true }), builtCli()]);
      bed = made;
      folder = mkdtempSync(join(tmpdir(), 'hurricane-conformance-'));
      socket = join(folder, 's');
      const file = join(folder, 'v6-gatewayd.conf');
      const tunnel = '[tunnel.somebody]\ntype = external\niface = some0\n';
      writeFileSync(file, `[mcp]\nsocket = ${socket}\nhttp = yes\n${tunnel}`);
      daemon = bed.client.spawn([process.execPath, cli, '-d', '-c', file]);
      await daemon.says(/Gateway started/, START_LIMIT);
    });
    afterAll(async () => {
      await daemon?.stop(START_LIMIT);
      rmSync(folder, { recursive: true, force: true });
      await bed?.destroy();
    });

    it.each([...rows(WITHOUT_FIXTURES), ...rows(OF_HTTP)])('meets %s of %s at /mcp', async (scenario, revision) => {
      const suite = conformanceSuite('http://127.0.0.1:8642/mcp', optionsFor(scenario, revision));

      const { exitCode, stdout, stderr } = await bed.client.exec(suite, { limit: SUITE_LIMIT });

      expect({ exitCode, met: isMetIn(stdout) }, stdout + stderr).toEqual({ exitCode: 0, met: true });
    });

    it.each(rows(WITHOUT_FIXTURES))('meets %s of %s over its Unix socket', async (scenario, revision) => {
      const bridge = new SocketBridge(socket);
      const app = new Hono().all('/mcp', (c) => bridge.fetch(c.req.raw));
      const onDefect = (defect: unknown): never => {
        throw defect;
      };
      const listener = (await serve({ app, bind: '127.0.0.1', port: 0, onDefect }))._unsafeUnwrap();

      const suite = conformanceSuite(`${listener.url}/mcp`, optionsFor(scenario, revision));
      const { exitCode, stdout, stderr } = await run(suite, { limit: SUITE_LIMIT });
      bridge.close();
      await listener.close(0);

      expect({ exitCode, met: isMetIn(stdout) }, stdout + stderr).toEqual({ exitCode: 0, met: true });
    });
  },
);

const optionsFor = (scenario: string, revision: string): readonly string[] => [
  ...['--scenario', scenario],
  ...['--spec-version', revision],
];

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import { type Running, run } from '../support/command.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';

/** Node's start, the bundle's, and a busy machine. */
const START_LIMIT = 20_000;
const INSPECTOR_LIMIT = 30_000;

const INSPECTOR = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/inspector-cli/build', import.meta.url),
);

const missing = requireHost({ root: true, tools: ['ip'] });

describe.skipIf(missing !== null)(
  `the official inspector, without its window${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let bed: Testbed;
    let daemon: Running;
    let folder: string;
    let cli: string;

    beforeAll(async () => {
      [bed, cli] = await Promise.all([Testbed.create({ pops: 1, plain: true }), builtCli()]);
      folder = mkdtempSync(join(tmpdir(), 'hurricane-inspector-'));
      const file = join(folder, 'v6-gatewayd.conf');
      const tunnel = '[tunnel.somebody]\ntype = external\niface = some0\n';
      writeFileSync(file, `[mcp]\nsocket = ${join(folder, 's')}\nhttp = yes\n${tunnel}`);
      daemon = bed.client.spawn([process.execPath, cli, '-d', '-c', file]);
      await daemon.says(/Gateway started/, START_LIMIT);
    });
    afterAll(async () => {
      await daemon?.stop(START_LIMIT);
      rmSync(folder, { recursive: true, force: true });
      await bed?.destroy();
    });

    const places = {
      '`hurricane mcp`': () => ({
        target: [process.execPath, cli, 'mcp', '--socket', join(folder, 's')],
        inside: false,
      }),
      '/mcp': () => ({ target: ['http://127.0.0.1:8642/mcp', '--transport', 'http'], inside: true }),
    } as const;

    const asked = [
      [['tools/list'], { tools: expect.arrayContaining([expect.objectContaining({ name: 'explain_failover' })]) }],
      [
        ['tools/call', '--tool-name', 'get_tunnel_status'],
        { structuredContent: { tunnels: [expect.objectContaining({ name: 'somebody' })] } },
      ],
      [['resources/list'], { resources: expect.arrayContaining([expect.objectContaining({ name: 'health' })]) }],
      [['prompts/list'], { prompts: expect.arrayContaining([expect.objectContaining({ name: 'set_up_i2p' })]) }],
    ] as const;

    it.each(
      Object.keys(places).flatMap((place) => asked.map(([method, answer]) => [method[0], place, method, answer])),
    )('is shown %s through %s', async (_name, place, method, answer) => {
      const { target, inside } = places[place as keyof typeof places]();
      // Version 1.0.3 looks for its own package.json from the working directory.
      const inspector = ['env', '-C', INSPECTOR, process.execPath, 'cli.js', '--cli'];
      const argv = [...inspector, ...target, '--method', ...(method as readonly string[])];
      const options = { limit: INSPECTOR_LIMIT };

      const { exitCode, stdout, stderr } = await (inside ? bed.client.exec(argv, options) : run(argv, options));

      expect(exitCode, stdout + stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject(answer as object);
    });
  },
);

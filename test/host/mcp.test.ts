import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Stdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import type { Running } from '../support/command.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';

/** Node's start, the bundle's, and a busy machine. */
const START_LIMIT = 20_000;

const INFO = { name: 'test', version: '1' };
const HELLO = [
  {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: INFO },
  },
  { jsonrpc: '2.0', method: 'notifications/initialized' },
  { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'get_tunnel_status' } },
];

const missing = requireHost({ root: true, tools: ['ip', 'setpriv', 'socat'] });

describe.skipIf(missing !== null)(
  `the MCP socket of a daemon${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let bed: Testbed;
    let cli: string;
    let folder: string;
    let socket: string;
    const started: Running[] = [];

    beforeAll(async () => {
      [bed, cli] = await Promise.all([Testbed.create({ pops: 1, plain: true }), builtCli()]);
    });
    afterAll(() => bed?.destroy());
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'hurricane-mcp-'));
      socket = join(folder, 'mcp.sock');
    });
    afterEach(async () => {
      for (const daemon of started.splice(0)) await daemon.stop(START_LIMIT);
      rmSync(folder, { recursive: true });
    });

    async function running(settings = '', { port = 8642, env = {} } = {}): Promise<Running> {
      const file = join(folder, `${port}.conf`);
      const tunnel = '[tunnel.somebody]\ntype = external\niface = some0\n';
      writeFileSync(file, `[core]\napi_port = ${port}\n[mcp]\nsocket = ${socket}\n${settings}\n${tunnel}`);
      const daemon = bed.client.spawn([process.execPath, cli, '-d', '-c', file], env);
      started.push(daemon);
      await daemon.says(/Gateway started/, START_LIMIT);
      return daemon;
    }

    /** As the seed's settings for assistants have it. */
    const socat = (...before: readonly string[]) =>
      bed.client.exec([...before, 'socat', '-t', '10', `UNIX-CONNECT:${socket}`, 'STDIO'], {
        input: HELLO.map((message) => `${JSON.stringify(message)}\n`).join(''),
      });

    it("answers the seed's socat line", async () => {
      await running();

      const { stdout } = await socat();

      const [initialized, called] = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(initialized).toMatchObject({ id: 1, result: { protocolVersion: '2025-06-18' } });
      expect(called).toMatchObject({ id: 2, result: { structuredContent: { tunnels: [{ name: 'somebody' }] } } });
    });

    it.each([
      ['1.x', () => new V1Client(INFO), V1Stdio, undefined],
      ['2.x, legacy', () => new ModernClient(INFO), ModernStdio, 'legacy'],
      ['2.x, auto', () => new ModernClient(INFO, { versionNegotiation: { mode: 'auto' } }), ModernStdio, 'modern'],
      [
        '2.x, modern',
        () => new ModernClient(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } }),
        ModernStdio,
        'modern',
      ],
    ] as const)('is reached by a client of SDK %s that starts `hurricane mcp`', async (_name, make, Stdio, era) => {
      await running();
      const client = make();

      // The bridge needs no network: it may run outside the namespace.
      await client.connect(new Stdio({ command: process.execPath, args: [cli, 'mcp', '--socket', socket] }) as never);
      const { tools } = await client.listTools();
      const answer = await client.callTool({ name: 'check_health' });
      const spoken = 'getProtocolEra' in client ? client.getProtocolEra() : undefined;
      await client.close();

      expect(spoken).toBe(era);
      expect(tools.map(({ name }) => name)).toContain('explain_failover');
      expect(tools.map(({ name }) => name)).not.toContain('tunnel_down');
      expect(answer.structuredContent).toMatchObject({ status: 'down', primary: null });
    });

    it('has mode 0600, and refuses another user', async () => {
      await running();
      chmodSync(folder, 0o755);

      expect(lstatSync(socket)).toMatchObject({ uid: 0, mode: 0o140600 });
      const { exitCode, stdout, stderr } = await socat('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups');
      const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      const bridge = await bed.client.exec([...nobody, process.execPath, cli, 'mcp', '--socket', socket]);

      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      expect(stderr).toContain('Permission denied');
      expect(bridge).toMatchObject({ exitCode: 77, stderr: expect.stringContaining('not permitted to use') });
    });

    it('replaces what a killed daemon left, leaves a living one alone, and goes at the end', async () => {
      const first = await running();
      first.signal('SIGKILL');
      await first.end();
      expect(lstatSync(socket).isSocket()).toBe(true);

      const second = await running();
      expect((await socat()).stdout).toContain('"id":2');
      const third = await running('', { port: 8643 });
      expect(third.output).toMatch(/There is no MCP server .*is taken by .*\(process \d+\)/);
      await third.stop(START_LIMIT);
      expect((await socat()).stdout).toContain('"id":2');

      await second.stop(START_LIMIT);
      expect(readdirSync(folder)).not.toContain('mcp.sock');
    });

    it('lets assistants change something only where the configuration says so, and logs it', async () => {
      const daemon = await running('allow_control = yes');
      const client = new V1Client(INFO);
      await client.connect(new V1Stdio({ command: process.execPath, args: [cli, 'mcp', '--socket', socket] }));

      await client.callTool({ name: 'tunnel_down', arguments: { tunnel: 'somebody' } });
      await client.close();

      await daemon.says(/\[INFO\] An MCP client used tunnel_down with \{"tunnel":"somebody"\}: done/, START_LIMIT);
      await daemon.says(/Tunnel somebody is down/, START_LIMIT);
    });

    it('loads the MCP server for its first client, and not before', async () => {
      const unused = await loadedBy(() => Promise.resolve());
      const used = await loadedBy(async () => {
        expect((await socat()).stdout).toContain('"id":2');
      });

      // What the SDK calls a method stands in its own code only.
      expect(used.filter((text) => text.includes('subscriptions/listen'))).not.toEqual([]);
      expect(unused.filter((text) => text.includes('subscriptions/listen'))).toEqual([]);
      expect(unused.length).toBeGreaterThan(1);
    });

    /** The text of every file of the bundle that a daemon has loaded, V8 says, from its start to its end. */
    async function loadedBy(story: () => Promise<void>): Promise<readonly string[]> {
      const coverage = mkdtempSync(join(folder, 'coverage-'));
      const daemon = await running('', { env: { NODE_V8_COVERAGE: coverage } });
      await story();
      await daemon.stop(START_LIMIT);
      return readdirSync(coverage)
        .flatMap((name) => JSON.parse(readFileSync(join(coverage, name), 'utf8')).result as { readonly url: string }[])
        .filter(({ url }) => url.startsWith(`file://${dirname(cli)}/`))
        .map(({ url }) => readFileSync(fileURLToPath(url), 'utf8'));
    }
  },
);

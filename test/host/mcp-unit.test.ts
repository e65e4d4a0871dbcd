import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import { run } from '../support/command.js';
import { requireHost } from '../support/require-host.js';

/** Booting, and the box's own limit. */
const BOX_SECONDS = 90;

const top = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname;

/** $1: the bundle. $2: the unit. $3: what a client says. All that is written goes with the box. */
const GUEST = String.raw`
set -e
mkdir /usr/lib/v6-gatewayd
cp -r "$1"/. /usr/lib/v6-gatewayd
printf '#!/bin/sh\nexec node /usr/lib/v6-gatewayd/cli.js "$@"\n' > /usr/bin/v6-gatewayd
chmod 755 /usr/bin/v6-gatewayd
printf '[tunnel.somebody]\ntype = external\niface = some0\n' > /etc/v6-gatewayd.conf
cp "$2" /run/systemd/system/
systemctl daemon-reload
systemctl start v6-gatewayd
for i in $(seq 200); do
  [ -S /run/v6-gatewayd/mcp.sock ] && break
  sleep 0.1
done
stat -c '%A %U %n' /run/v6-gatewayd/mcp.sock || journalctl -o cat --no-pager -u v6-gatewayd
printf '%s\n' "$3" | v6-gatewayd mcp
systemctl stop v6-gatewayd
[ ! -e /run/v6-gatewayd/mcp.sock ] && echo gone
`;

const missing = requireHost({ root: true, tools: ['unshare', 'setpriv', 'systemctl'] });

it.skipIf(missing !== null)(
  `the service as systemd starts it has its MCP socket where its sandbox lets it write, and the bridge finds it${
    missing === null ? '' : ` (skipped: ${missing})`
  }`,
  async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    const hello = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const call = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'get_tunnel_status' } });
    const box = [top('lab/box-run.sh'), '-s', '-t', `${BOX_SECONDS}`, '--'];
    const guest = ['sh', '-c', GUEST, 'guest', dirname(await builtCli()), top('systemd/v6-gatewayd.service')];

    const { exitCode, stdout, stderr } = await run([...box, ...guest, `${hello}\n${call}`], {
      limit: (BOX_SECONDS + 10) * 1_000,
    });

    const [socket, initialized = '', called = '', gone] = stdout.trim().split('\n');
    expect({ exitCode, socket, gone }, stdout + stderr).toEqual({
      exitCode: 0,
      socket: 'srw------- root /run/v6-gatewayd/mcp.sock',
      gone: 'gone',
    });
    expect(JSON.parse(initialized)).toMatchObject({ id: 1, result: { serverInfo: { name: 'v6-gatewayd' } } });
    expect(JSON.parse(called)).toMatchObject({
      id: 2,
      result: { structuredContent: { tunnels: [{ name: 'somebody' }] } },
    });
  },
);

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Insight } from '@hurricane/core';
import { Stage, simulatedConfig, simulatedTunnel } from '@hurricane/core/testing';
import { bindPrivately } from '@hurricane/http/node';
import { mcpSocketServer } from '@hurricane/mcp/node';

// A gateway of so many simulated tunnels on a clock that stands still, and its MCP socket. Told `memory`, it says what
// it takes; told `change`, it makes news and says when (CLOCK_MONOTONIC, which all processes share).

const tunnels = Array.from({ length: Number(process.argv[2]) }, (_, i) =>
  simulatedTunnel(`t${i}`, { address: `2001:db8:${i + 1}::2`, priority: i }),
);
const stage = new Stage({ config: simulatedConfig({ tunnels }) });
const insight = new Insight(stage.gateway);
stage.gateway.start();
await stage.run(10_000);

const onDefect = (defect: unknown): void => console.error(defect);
const { server } = mcpSocketServer({ gateway: stage.gateway, insight, version: '0', onDefect });
const path = join(await mkdtemp(join(tmpdir(), 'bench-mcp-')), 's');
const bound = await bindPrivately(server, { path, mode: 0o600, onDefect });
let preferred: string | null = null;

process.on('message', (asked) => {
  if (asked === 'memory') {
    globalThis.gc?.();
    process.send?.(process.memoryUsage().rss);
    return;
  }
  preferred = preferred === null ? 't1' : null;
  const at = process.hrtime.bigint();
  stage.gateway.prefer(preferred);
  process.send?.(at.toString());
});
process.on('disconnect', () => process.exit());
process.send?.(bound.isOk() ? bound.value : null);

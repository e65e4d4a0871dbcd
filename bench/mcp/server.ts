import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Insight } from '@hurricane/core';
import { Stage, simulatedConfig, simulatedTunnel } from '@hurricane/core/testing';
import { bindPrivately } from '@hurricane/http/node';
import { mcpSocketServer } from '@hurricane/mcp/node';
import type { Held } from './memory.js';

// A gateway of so many simulated tunnels, and its MCP socket. The tunnels are probed in real time, so that its state
// changes as a daemon's does, until it is told `still`. Told `memory`, it says what it takes; told `change`, it makes
// news and says when (CLOCK_MONOTONIC, which all processes share); told `cpu`, what processor time it has taken.

/** How often the simulated world catches up with the clock. */
const BEAT_MS = 20;

const tunnels = Array.from({ length: Number(process.argv[2]) }, (_, i) =>
  simulatedTunnel(`t${i}`, { address: `2001:db8:${i + 1}::2`, priority: i }),
);
const stage = new Stage({ config: simulatedConfig({ tunnels }) });
const insight = new Insight(stage.gateway);
stage.gateway.start();
await stage.run(10_000);

const onDefect = (defect: unknown): void => console.error(defect);
const mcp = mcpSocketServer({ gateway: stage.gateway, insight, version: '0', onDefect });
const path = join(await mkdtemp(join(tmpdir(), 'bench-mcp-')), 's');
const bound = await bindPrivately(mcp.server, { path, mode: 0o600, onDefect });
let preferred: string | null = null;
let beating = true;

process.on('message', (asked) => {
  switch (asked) {
    case 'memory':
      return process.send?.(JSON.stringify(held()));
    case 'still':
      beating = false;
      return process.send?.('still');
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      return process.send?.(user + system);
    }
    default: {
      preferred = preferred === null ? 't1' : null;
      const at = process.hrtime.bigint();
      stage.gateway.prefer(preferred);
      return process.send?.(at.toString());
    }
  }
});
process.on('disconnect', () => process.exit());
process.send?.(bound.isOk() ? bound.value : null);

let upTo = performance.now();
while (beating) {
  await new Promise((resolve) => setTimeout(resolve, BEAT_MS));
  const now = performance.now();
  await stage.run(now - upTo);
  upTo = now;
  // What a test would look at, and what would take more memory all the time.
  stage.steps.length = 0;
}

function held(): Held {
  // What the first round lets go of, the second one takes away.
  for (let i = 0; i < 2; i += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const pss = /^Pss: +(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1];
  return { connections: mcp.connections, heap: heapUsed + external, pss: Number(pss) * 1_024 };
}

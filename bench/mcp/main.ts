import { loadavg } from 'node:os';
import { figuresOf, tableOf } from '../figures.js';
import { closedRow, pacedRow } from './calls.js';
import { BenchClient } from './client.js';
import { daemonRows } from './daemon.js';
import { memoryRows } from './memory.js';
import { BenchServer } from './process.js';
import { us, verdict } from './words.js';

// What MCP over the Unix socket costs: a call, an update, a connection, a daemon that nobody speaks MCP to. Takes about
// a minute, or a few seconds with `-- --short`. Prints one table in Markdown.

const TUNNELS = 16;
const SHORT = process.argv.includes('--short');
const CALLS = SHORT ? 500 : 20_000;
const PACED = SHORT ? 500 : 10_000;
const UPDATES = SHORT ? 50 : 500;

const before = loadavg()[0] ?? Number.NaN;
const server = await BenchServer.of(TUNNELS);
const rows = [await closedRow(server, 1, CALLS), await pacedRow(server, 50, PACED), await closedRow(server, 50, CALLS)];
// From here on nothing but what is measured changes the state.
await server.ask('still');
rows.push(await updateRow());
server.end();
rows.push(...(await memoryOfConnections()));
rows.push(...(await daemonRows(SHORT ? 1 : undefined)));

const what = `tools/call get_tunnel_status with ${TUNNELS} tunnels, by`;
console.log(tableOf([what, 'n', 'p50', 'p99', 'max', 'CPU each', 'goal'], rows));
const after = loadavg()[0] ?? Number.NaN;
console.log(
  `\nLoad average of a minute: ${before.toFixed(1)} before, ${after.toFixed(1)} after. Node ${process.version}.`,
);

async function memoryOfConnections(): Promise<string[][]> {
  const fresh = await BenchServer.of(TUNNELS);
  await fresh.ask('still');
  const found = await memoryRows(fresh);
  fresh.end();
  return found;
}

async function updateRow(): Promise<string[]> {
  const client = await BenchClient.to(server.path);
  await client.ask('resources/subscribe', { uri: 'hurricane://health' });
  const took: number[] = [];
  for (let i = 0; i < UPDATES; i += 1) {
    const told = client.next().then(() => process.hrtime.bigint());
    const [at, then] = await Promise.all([told, server.ask('change')]);
    took.push(Number(at - BigInt(then)) / 1e6);
  }
  client.close();
  const { n, p50, p99, max } = figuresOf(took);
  const told = 'an update, from the change to its follower';
  return [told, `${n}`, us(p50), us(p99), us(max), '', verdict(max <= 10, '≤ 10 ms')];
}

// Run on the lab's kernel: `node sit-guest.mjs CLI`, where CLI is the bundled daemon.
// Plays the story of test/host/sit.test.ts and tells what it saw, one JSON line a scene.
import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  fault,
  gatewayNetwork,
  inGateway,
  linkOf,
  makeInternet,
  POP_V4,
  receivedBy,
  V6HOST,
  waitFor,
} from './sit-internet.mjs';

/** Seen on an idle machine: 3 s until all tunnels are up, 22 s until a window has passed, 0.6 s for a switch. */
const UP_LIMIT_MS = 15_000;
const WINDOW_LIMIT_MS = 45_000;
const SWITCH_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 15_000;

/** Enough for every tunnel to be judged by more than its first replies. */
const FIRST_ANSWERS = 30;

/** Probes leave at most 13.4 times a second (every 100 ms, jittered to 75 %): so many outlast a window of 20 s. */
const WINDOW_OF_ANSWERS = 300;

/** Five pings of this size outweigh all that probes carry meanwhile. */
const PING_BYTES = 1_200;

const POPS = [1, 2, 3];

const tell = (scene, seen) => console.log(JSON.stringify({ scene, seen }));

await makeInternet();
const before = await gatewayNetwork();
for (const [pop, delay] of Object.entries({ 1: 20, 2: 75, 3: 150 })) await fault(pop, 'delay', delay);
const daemon = await startDaemon(process.argv[2]);

await allThreeComeUp();
await linksGetWorse();
await failDownTheListAndBackUp();
await leaveNoTrace();

async function allThreeComeUp() {
  await waitFor(tunnels, (list) => list.length === 3 && list.every((t) => t.score !== null), UP_LIMIT_MS);
  await answers(FIRST_ANSWERS);
  tell('up', { tunnels: await tunnels(), primary: await primary() });
}

async function linksGetWorse() {
  for (const pop of POPS) await fault(pop, 'clear');
  await fault(1, 'delay', 300);
  await fault(2, 'delay', 600);
  await fault(3, 'loss', 15);
  await answers(WINDOW_OF_ANSWERS);
  tell('worse', { tunnels: await tunnels(), link: await linkOf(3) });
}

async function failDownTheListAndBackUp() {
  for (const pop of POPS) await fault(pop, 'clear');
  const well = (list) => list.every((t) => t.score >= 95 && t.liveness === 'alive') && list[0].primary;
  tell('well', { tunnels: await waitFor(tunnels, well, WINDOW_LIMIT_MS) });

  await fault(1, 'blackhole');
  await carriedBy('pop1_dark', 'two');
  await fault(2, 'blackhole');
  await carriedBy('both_dark', 'three');
  await fault(2, 'clear');
  await carriedBy('pop2_back', 'two');
  await fault(1, 'clear');
  await carriedBy('pop1_back', 'one');
}

async function leaveNoTrace() {
  daemon.kill('SIGTERM');
  await waitFor(
    () => daemon.exitCode ?? daemon.signalCode,
    (end) => end !== null,
    STOP_LIMIT_MS,
  );
  const after = await gatewayNetwork();
  const left = after.filter((line) => !before.includes(line));
  const gone = before.filter((line) => !after.includes(line));
  tell('stopped', { exitCode: daemon.exitCode, facts: before.length, left, gone });
  daemon.kill('SIGKILL');
}

/** Tells which tunnel the daemon, the kernel's routes and the packets themselves say is carrying traffic. */
async function carriedBy(scene, wanted) {
  const began = performance.now();
  const seen = await waitFor(primary, (name) => name === wanted, SWITCH_LIMIT_MS);
  const tookMs = Math.round(performance.now() - began);
  const [route] = JSON.parse(await inGateway('ip', '-j', '-6', 'route', 'get', V6HOST));
  const was = await Promise.all(POPS.map(receivedBy));
  const ping = await inGateway('ping', '-6', '-c', '5', '-i', '0.1', '-W', '2', '-s', `${PING_BYTES}`, V6HOST).catch(
    (error) => error.stdout,
  );
  const is = await Promise.all(POPS.map(receivedBy));
  const replies = Number(/(\d+) received/.exec(ping)?.[1] ?? 0);
  tell(scene, { primary: seen, tookMs, device: route.dev, replies, bytes: is.map((bytes, i) => bytes - was[i]) });
}

/** Waits until each PoP has sent so many packets since its link was last changed. */
async function answers(count) {
  const links = () => Promise.all(POPS.map(linkOf));
  await waitFor(links, (all) => all.every((link) => link.sent >= count), WINDOW_LIMIT_MS);
}

async function tunnels() {
  return (await ask('/tunnels'))?.tunnels ?? [];
}

async function primary() {
  return (await ask('/health'))?.primary ?? null;
}

/** What the daemon answers; null while it does not. */
async function ask(path) {
  const text = await inGateway('curl', '-sS', '-m', '5', `http://127.0.0.1:8642${path}`).catch(() => null);
  return text === null ? null : JSON.parse(text);
}

async function startDaemon(cli) {
  const directory = await mkdtemp(join(tmpdir(), 'sit-'));
  const file = join(directory, 'v6-gatewayd.conf');
  await writeFile(file, configuration(join(directory, 'state')));
  const argv = ['netns', 'exec', 'lab-gw', process.execPath, cli, '-c', file, '-d'];
  return spawn('ip', argv, { stdio: ['ignore', process.stderr, process.stderr] });
}

function configuration(stateDir) {
  const tunnel = (name, pop) => `
[tunnel.${name}]
type = he_6in4
iface = he-${name}
endpoint_ipv4 = ${POP_V4[pop]}
v6_prefix = 2001:db8:${pop}::2/64
priority = ${pop - 1}
`;
  return `
[core]
state_dir = ${stateDir}
[health]
targets = ${V6HOST}
probe_interval = 100ms
window = 20s
slot = 1s
[failover]
failback_after = 1s
failback_at_most = 2s
${['one', 'two', 'three'].map((name, i) => tunnel(name, i + 1)).join('')}`;
}

// `node sit-story.mjs CLI`, in the gateway's namespace of the lab (sit-guest.sh). CLI is the bundled daemon.
// Plays the story of test/host/sit.test.ts and tells what it saw, one JSON line a scene.
import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CALM_POLL_MS,
  interfaces,
  link,
  network,
  POP_V4,
  POPS,
  pingTheWorld,
  rename,
  routeToTheWorld,
  sentBy,
  swallow,
  V6HOST,
  waitFor,
} from './sit-internet.mjs';

const UP_LIMIT_MS = 20_000;
const WINDOW_LIMIT_MS = 45_000;
const SWITCH_LIMIT_MS = 15_000;
const ROUTE_LIMIT_MS = 3_000;
const STOP_LIMIT_MS = 15_000;
const ASK_LIMIT_MS = 5_000;

/** Enough for every tunnel to be judged by more than its first replies. */
const FIRST_ANSWERS = 30;

/** At most 13.4 probes leave a second, 201 in a window of 15 s; the rest is for a daemon behind in its reading. */
const WINDOW_OF_ANSWERS = 260;

/** A PoP's link from the start, in netem's words. */
const BEGINNING = { 1: ['delay', '20ms'], 2: ['delay', '75ms'], 3: ['delay', '150ms'] };

const tell = (scene, seen) => console.log(JSON.stringify({ scene, seen }));

for (const pop of POPS) await link(pop, ...BEGINNING[pop]);
const before = await network();
const daemon = await startDaemon(process.argv[2]);

await allThreeComeUp();
await downTheListAndBackUp();
await anotherName();
await linksGetWorse();
await leaveNoTrace();

async function allThreeComeUp() {
  await waitFor(primary, (name) => name === 'one', UP_LIMIT_MS);
  await answers(FIRST_ANSWERS);
  tell('up', { tunnels: await reachableTunnels(), primary: await primary() });
}

async function downTheListAndBackUp() {
  await darken(1);
  await carriedBy('pop1_dark', 'two');
  await darken(2);
  await carriedBy('both_dark', 'three');
  await lighten(2);
  await carriedBy('pop2_back', 'two');
  await lighten(1);
  await carriedBy('pop1_back', 'one');
}

/** The kernel renames no interface that is up, and the daemon would have it up again before the second command. */
async function anotherName() {
  daemon.kill('SIGSTOP');
  await rename('he-one', 'renamed7');
  daemon.kill('SIGCONT');
  await waitFor(interfaces, (names) => names.includes('he-one') && !names.includes('renamed7'), UP_LIMIT_MS);
  await carriedBy('renamed', 'one');
  tell('names', await interfaces());
}

async function linksGetWorse() {
  await link(1, 'delay', '300ms');
  await link(2, 'delay', '600ms');
  await link(3, 'loss', '15%');
  await answers(WINDOW_OF_ANSWERS);
  tell('worse', { tunnels: await reachableTunnels(), link: await sentBy(3) });
}

async function leaveNoTrace() {
  const during = await network();
  daemon.kill('SIGTERM');
  const end = () => daemon.exitCode ?? daemon.signalCode;
  await waitFor(end, (code) => code !== null, STOP_LIMIT_MS);
  const after = await network();
  const left = after.filter((line) => !before.includes(line));
  const gone = before.filter((line) => !after.includes(line));
  tell('stopped', { exitCode: daemon.exitCode, before: before.length, during: during.length, left, gone });
  daemon.kill('SIGKILL');
}

async function darken(pop) {
  await link(pop, 'loss', '100%');
  await swallow(pop, true);
}

async function lighten(pop) {
  await swallow(pop, false);
  await link(pop, ...BEGINNING[pop]);
}

/** Tells which tunnel the daemon, the kernel's routes and the packets themselves say is carrying traffic. */
async function carriedBy(scene, wanted) {
  const began = performance.now();
  const seen = await waitFor(primary, (name) => name === wanted, SWITCH_LIMIT_MS);
  // Decided is not done: the route follows in its own time, which in a guest can be felt.
  const device = await waitFor(routeToTheWorld, (name) => name === `he-${wanted}`, ROUTE_LIMIT_MS);
  const took_ms = Math.round(performance.now() - began);
  tell(scene, { primary: seen, device, took_ms, ...(await pingTheWorld()) });
}

/** Waits until each PoP has sent so many packets since its link was last changed. */
async function answers(count) {
  const links = () => Promise.all(POPS.map(sentBy));
  await waitFor(links, (all) => all.every(({ sent }) => sent >= count), WINDOW_LIMIT_MS, CALM_POLL_MS);
}

/** One that is in doubt at this moment has no latency to show: four of 15 % are lost in a row now and then. */
function reachableTunnels() {
  const tunnels = async () => (await ask('/tunnels'))?.tunnels ?? [];
  return waitFor(tunnels, (list) => list.length > 0 && list.every((t) => t.reachable), SWITCH_LIMIT_MS);
}

async function primary() {
  return (await ask('/health'))?.primary ?? null;
}

/** What the daemon answers; null while it does not. */
async function ask(path) {
  try {
    const answer = await fetch(`http://127.0.0.1:8642${path}`, { signal: AbortSignal.timeout(ASK_LIMIT_MS) });
    return await answer.json();
  } catch {
    return null;
  }
}

async function startDaemon(cli) {
  const directory = await mkdtemp(join(tmpdir(), 'sit-'));
  const file = join(directory, 'v6-gatewayd.conf');
  await writeFile(file, configuration(join(directory, 'state')));
  return spawn(process.execPath, [cli, '-c', file, '-d'], { stdio: ['ignore', process.stderr, process.stderr] });
}

/** Probes' deadlines are the defaults: the guest is quick enough for them. */
function configuration(stateDir) {
  const tunnel = (name, priority) => `
[tunnel.${name}]
type = he_6in4
iface = he-${name}
endpoint_ipv4 = ${POP_V4[priority + 1]}
v6_prefix = 2001:db8:${priority + 1}::2/64
priority = ${priority}
`;
  return `
[core]
state_dir = ${stateDir}
[health]
targets = ${V6HOST}
probe_interval = 100ms
window = 15s
slot = 1s
[failover]
failback_after = 1s
failback_at_most = 2s
${['one', 'two', 'three'].map(tunnel).join('')}`;
}

// What the story changes and looks at in the lab's small internet (sit-guest.sh), from the gateway's namespace.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What any one command may take here: a guest has one emulated CPU. */
const COMMAND_LIMIT_MS = 15_000;

/** Between two looks at a condition. */
const POLL_MS = 100;

/** Where a look starts programs: the daemon under test needs that CPU more. */
export const CALM_POLL_MS = 1_000;

/** "Some host on the IPv6 internet", behind every PoP. */
export const V6HOST = '2001:db8:ffff::1';

/** Where 6in4 packets to each PoP go. */
export const POP_V4 = { 1: '198.51.100.10', 2: '203.0.113.10', 3: '203.0.113.130' };

export const POPS = [1, 2, 3];

/** Bytes of a ping's payload. */
const PING_BYTES = 1_200;

/** What the kernel changes by itself, or numbers anew. */
const VOLATILE = new Set(['ifindex', 'link_index', 'valid_life_time', 'preferred_life_time', 'expires', 'used', 'age']);

const start = promisify(execFile);

/** Runs a program; resolves to its standard output, rejects when it fails. */
async function run(...argv) {
  const { stdout } = await start(argv[0], argv.slice(1), { timeout: COMMAND_LIMIT_MS, killSignal: 'SIGKILL' });
  return stdout;
}

/** Looks again and again until what it sees is wanted or the time is up; resolves to what it saw last. */
export async function waitFor(look, wanted, limitMs, pollMs = POLL_MS) {
  const end = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (wanted(seen) || performance.now() >= end) return seen;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** What becomes of each packet this PoP sends, in netem's words; its counters begin anew. */
export async function link(pop, ...netem) {
  await run('tc', '-n', `lab-pop${pop}`, 'qdisc', 'del', 'dev', 'wan0', 'root').catch(() => undefined);
  await run('tc', '-n', `lab-pop${pop}`, 'qdisc', 'add', 'dev', 'wan0', 'root', 'netem', ...netem);
}

/** Swallows packets on their way to this PoP without a sign; every interface stays up. */
export async function swallow(pop, on) {
  const where = ['dev', `pop${pop}`, 'root'];
  await run('tc', '-n', 'lab-net', 'qdisc', ...(on ? ['add', ...where, 'netem', 'loss', '100%'] : ['del', ...where]));
}

/** Names of the interfaces here. */
export async function interfaces() {
  return JSON.parse(await run('ip', '-j', 'link', 'show')).map(({ ifname }) => ifname);
}

/** Takes an interface down and gives it another name. */
export async function rename(from, to) {
  await run('ip', 'link', 'set', 'dev', from, 'down');
  await run('ip', 'link', 'set', 'dev', from, 'name', to);
}

/** Packets that have left this PoP since `link`, and how many of them were lost at once. */
export async function sentBy(pop) {
  const rows = JSON.parse(await run('tc', '-n', `lab-pop${pop}`, '-j', '-s', 'qdisc', 'show', 'dev', 'wan0'));
  const netem = rows.find((row) => row.kind === 'netem');
  return { sent: netem.packets + netem.drops, lost: netem.drops };
}

/** Device of the kernel's route to the world. */
export async function routeToTheWorld() {
  return JSON.parse(await run('ip', '-j', '-6', 'route', 'get', V6HOST))[0].dev;
}

/** Sends five pings without a source of their own: how many are answered, and what each PoP receives meanwhile. */
export async function pingTheWorld() {
  const was = await Promise.all(POPS.map(receivedBy));
  const options = ['-c', '5', '-i', '0.1', '-W', '2', '-s', `${PING_BYTES}`];
  const said = await run('ping', '-6', ...options, V6HOST).catch((error) => error.stdout);
  const is = await Promise.all(POPS.map(receivedBy));
  const replies = Number(/(\d+) received/.exec(said)?.[1] ?? 0);
  return { replies, bytes: is.map((bytes, i) => bytes - was[i]) };
}

/** Links, addresses, routes of all tables and rules of this namespace, one line each. */
export async function network() {
  const questions = ['link', '-4 addr', '-6 addr', '-4 route', '-6 route', '-4 rule', '-6 rule'];
  const lasting = (key, value) => (VOLATILE.has(key) ? undefined : value);
  const lines = [];
  for (const question of questions) {
    const words = [...question.split(' '), 'show', ...(question.endsWith('route') ? ['table', 'all'] : [])];
    const rows = JSON.parse(await run('ip', '-j', ...words));
    lines.push(...rows.map((row) => `${question}: ${JSON.stringify(row, lasting)}`));
  }
  return lines;
}

/** Bytes this PoP has taken out of its tunnel. */
async function receivedBy(pop) {
  const argv = ['ip', '-n', `lab-pop${pop}`, '-j', '-s', 'link', 'show', 'dev', 'sitgw'];
  return JSON.parse(await run(...argv))[0].stats64.rx.bytes;
}

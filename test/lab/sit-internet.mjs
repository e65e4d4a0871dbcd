// The lab's small internet (lab/lib/net-common.sh) with a third PoP, every PoP speaking the kernel's own 6in4.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What any one command may take here: a guest has one emulated CPU, and lab scripts start dozens of programs. */
const COMMAND_LIMIT_MS = 15_000;

/** Between two looks at a condition: each starts a `curl`, and the daemon under test needs the CPU more. */
const POLL_MS = 200;

const start = promisify(execFile);
const lab = (script) => new URL(`../../lab/${script}`, import.meta.url).pathname;

/** "Some host on the IPv6 internet", behind every PoP. */
export const V6HOST = '2001:db8:ffff::1';

/** Where 6in4 packets to each PoP go. Those of the third are cut out of the second one's network. */
export const POP_V4 = { 1: '198.51.100.10', 2: '203.0.113.10', 3: '203.0.113.130' };

/** What the kernel changes by itself, or numbers anew. */
const VOLATILE = new Set(['ifindex', 'link_index', 'valid_life_time', 'preferred_life_time', 'expires', 'used', 'age']);

/** Runs a program; resolves to its standard output, rejects when it fails. */
export async function run(...argv) {
  const { stdout } = await start(argv[0], argv.slice(1), { timeout: COMMAND_LIMIT_MS, killSignal: 'SIGKILL' });
  return stdout;
}

export const inGateway = (...argv) => run('ip', 'netns', 'exec', 'lab-gw', ...argv);

export const fault = (pop, ...action) => run(lab('fault.sh'), `pop${pop}`, 'wan0', ...action.map(String));

/** Looks again and again until `seen` is wanted or the time is up; resolves to what it last was. */
export async function waitFor(look, wanted, limitMs) {
  const end = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (wanted(seen) || performance.now() >= end) return seen;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export async function makeInternet() {
  await run(lab('netns-up.sh'));
  await run(lab('tunnel-sit.sh'), 'server', '1');
  await run(lab('tunnel-sit.sh'), 'server', '2');
  await makeThirdPop();
}

/** Bytes that this PoP has taken out of its tunnel. */
export async function receivedBy(pop) {
  const [link] = JSON.parse(await run('ip', '-n', `lab-pop${pop}`, '-j', '-s', 'link', 'show', 'dev', 'sitgw'));
  return link.stats64.rx.bytes;
}

/** Packets that this PoP has sent into its delayed or lossy link since it became so, and how many of them were lost. */
export async function linkOf(pop) {
  const rows = JSON.parse(await run('tc', '-n', `lab-pop${pop}`, '-j', '-s', 'qdisc', 'show', 'dev', 'wan0'));
  const netem = rows.find((row) => row.kind === 'netem');
  return { sent: netem.packets + netem.drops, lost: netem.drops };
}

/** Links, addresses, routes and rules of the gateway's namespace, one line each. */
export async function gatewayNetwork() {
  const questions = ['link', '-4 addr', '-6 addr', '-4 route', '-6 route', '-4 rule', '-6 rule'];
  const lines = [];
  for (const question of questions) {
    const words = question.endsWith('route') ? [...question.split(' '), 'show', 'table', 'all'] : question.split(' ');
    const rows = JSON.parse(await run('ip', '-n', 'lab-gw', '-j', ...words));
    const lasting = (key, value) => (VOLATILE.has(key) ? undefined : value);
    lines.push(...rows.map((row) => `${question}: ${JSON.stringify(row, lasting)}`).sort());
  }
  return lines;
}

async function makeThirdPop() {
  const steps = [
    'ip netns add lab-pop3',
    'ip link add wan0 netns lab-pop3 type veth peer name pop3 netns lab-net',
    'ip -n lab-net addr add 203.0.113.129/25 dev pop3',
    'ip -n lab-net link set pop3 up',
    'ip -n lab-pop3 link set lo up',
    'ip -n lab-pop3 link set wan0 up',
    `ip -n lab-pop3 addr add ${POP_V4[3]}/25 dev wan0`,
    'ip -n lab-pop3 route add default via 203.0.113.129',
    `ip -n lab-pop3 link add sitgw type sit remote 192.0.2.2 local ${POP_V4[3]} ttl 64`,
    'ip -n lab-pop3 addr add 2001:db8:3::1/64 dev sitgw nodad',
    'ip -n lab-pop3 link set sitgw up mtu 1480',
    `ip -n lab-pop3 addr add ${V6HOST}/128 dev lo`,
    'ip netns exec lab-pop3 sysctl -qw net.ipv6.conf.all.forwarding=1',
  ];
  for (const step of steps) await run(...step.split(' '));
}

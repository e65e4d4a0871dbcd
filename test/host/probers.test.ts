import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ProbeFinding, ProbePlan, Prober } from '@hurricane/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pingProber } from '../../packages/backends/src/ping.js';
import { spawnPing } from '../../packages/backends/src/ping-process.js';
import { Running } from '../support/command.js';
import type { Namespace } from '../support/namespace.js';
import { addNamespaces, removeNamespaces } from '../support/namespace-names.js';
import { requireHost } from '../support/require-host.js';
import { waitFor } from '../support/wait-for.js';

const missing = requireHost({ root: true, tools: ['ip', 'nft', 'ping'] });
const because = missing === null ? '' : ` (skipped: ${missing})`;

const TARGET = '2001:db8:ffff::1';
const OTHER_TARGET = '2001:db8:ffff::2';

/** Far beyond what any single step takes, even on a busy machine. */
const LIMIT = 10_000;

// Two links leave the client, as two tunnels would, to two far ends that both have the targets.
const LINKS = [
  { device: 'left0', table: '101', source: '2001:db8:a::1', gateway: '2001:db8:a::2' },
  { device: 'right0', table: '102', source: '2001:db8:b::1', gateway: '2001:db8:b::2' },
] as const;
const [LEFT, RIGHT] = LINKS;

describe.skipIf(missing !== null)(`probers on real links${because}`, () => {
  let client: Namespace;
  let left: Namespace;
  let right: Namespace;
  const watches: Watching[] = [];

  beforeAll(async () => {
    const made = await addNamespaces(['client', 'left', 'right']);
    [client, left, right] = made as [Namespace, Namespace, Namespace];
    await connect(client, [left, right]);
  });
  afterEach(async () => {
    await Promise.all(watches.splice(0).map((watching) => watching.stop()));
    await Promise.all([left, right].map((far) => far.nft('flush ruleset')));
  });
  afterAll(() => removeNamespaces([client, left, right]));

  const prober = (): Prober =>
    pingProber({
      spawn: (argv, listener) => spawnPing(['ip', 'netns', 'exec', client.name, ...argv], listener),
      random: () => 1,
    });

  const watch = (plan: Partial<ProbePlan> = {}, by: Prober = prober()): Watching => {
    const watching = new Watching(by, { ...PLAN, ...plan });
    watches.push(watching);
    return watching;
  };

  it('reports replies with the round trip of the link', async () => {
    const watching = watch();

    const replies = await watching.findings('reply', 3);

    expect(replies.every(({ rtt }) => rtt > 0 && rtt < 50)).toBe(true);
  });

  it('reports a black hole within the deadline of the predicted departure, and replies again after it', async () => {
    const watching = watch();
    const last = (await watching.findings('reply', 3)).at(-1);
    await cut(left);

    const [lost] = await watching.findings('lost', 1);
    const answered = watching.count('reply');
    await left.nft('flush ruleset');
    await watching.findings('reply', answered + 1);

    // The cut takes some milliseconds to be made: one more probe may have been answered meanwhile.
    const before = watching.lastBefore('reply', lost?.at ?? 0) ?? last;
    const departure = (before?.at ?? 0) - (before?.rtt ?? 0) + PLAN.interval;
    expect((lost?.at ?? 0) - departure).toBeGreaterThan(PLAN.deadline.min - 10);
    expect((lost?.at ?? 0) - departure).toBeLessThan(PLAN.deadline.min + 50);
  });

  it('has four losses of quick probes over two targets in little more than their deadlines', async () => {
    await cut(left);
    const watching = watch({ targets: [TARGET, OTHER_TARGET], interval: 100 });

    const losses = await watching.findings('lost', 4);

    expect((losses[3]?.at ?? 0) - watching.begun).toBeLessThan(550);
  });

  it('reports what the network says it cannot deliver as refused', async () => {
    await left.nft(filter('icmpv6 type echo-request reject with icmpv6 type no-route'));

    const [refused] = await watch().findings('refused', 2);

    expect(refused?.reason).toBe('Destination unreachable: No route');
  });

  it('probes through the link that the source address belongs to', async () => {
    await cut(left);
    const [throughLeft, throughRight] = [watch(), watch({ iface: RIGHT.device, source: RIGHT.source })];

    await Promise.all([throughLeft.findings('lost', 3), throughRight.findings('reply', 3)]);

    expect([throughLeft.count('reply'), throughRight.count('lost')]).toEqual([0, 0]);
  });

  it('errs when the source address is not on the host', async () => {
    const watching = watch({ source: '2001:db8:dead::1' });

    await waitFor(() => watching.end, LIMIT, 'the watch to end');

    expect(watching.end?._unsafeUnwrapErr()).toEqual({ kind: 'interface_missing', iface: LEFT.device });
  });

  it('settles within 100 ms of an abort, leaves no process, and says nothing more', async () => {
    const watching = watch({ targets: [TARGET, OTHER_TARGET], interval: 50 });
    await watching.findings('reply', 4);
    const running = await pidsIn(client);
    const begin = performance.now();

    await watching.stop();
    const took = performance.now() - begin;
    const said = watching.all.length;
    const remaining = await pidsIn(client);

    expect(running).toHaveLength(2);
    expect(took).toBeLessThan(100);
    expect(remaining).toEqual([]);
    expect(watching.all).toHaveLength(said);
    expect(watching.end?.isOk()).toBe(true);
  });

  it('leaves no ping behind when this process is killed', async () => {
    const ping = ['ip', 'netns', 'exec', client.name, 'ping', '-6', '-n', '-O', '-i', '0.1', '-I', LEFT.source, TARGET];
    const parent = new Running([process.execPath, '-e', ORPHANING, ...ping]);
    const [, pid] = await parent.says(/ping is (\d+)/);

    parent.signal('SIGKILL');
    await parent.end();

    await waitFor(() => !isRunning(Number(pid)), LIMIT, 'the orphaned ping to end');
  });

  it('reports a black hole over TCP, and a reply again after it', async () => {
    const program = client.spawn([process.execPath, '--import', 'tsx', '--input-type=module', '-e', TCP_WATCH]);
    await program.says(/reply/, LIMIT);
    await cut(left);
    await program.says(/lost/, LIMIT);
    await left.nft('flush ruleset');

    await program.says(/lost[\s\S]*reply false/, LIMIT);
  });
});

const PLAN: ProbePlan = {
  iface: LEFT.device,
  source: LEFT.source,
  targets: [TARGET],
  interval: 500,
  packetSize: null,
  deadline: { min: 150, max: 1_000 },
  rtt: { srtt: 1, rttvar: 1 },
};

const SOCKET_PROBER = fileURLToPath(new URL('../../packages/backends/src/socket-prober.ts', import.meta.url));

const TCP_WATCH = `
  import { socketProber } from ${JSON.stringify(SOCKET_PROBER)};
  const say = ({ outcome }) => console.log(outcome.kind, outcome.late);
  const plan = { ...${JSON.stringify(PLAN)}, interval: 100 };
  await socketProber({ method: 'tcp', port: 9 }).watch(plan, say, AbortSignal.timeout(60_000));
`;

/** Starts a ping as the prober does, then waits to be killed. */
const ORPHANING = `
  const [command, ...args] = process.argv.slice(1);
  const ping = require('node:child_process').spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  ping.stdout.once('data', () => console.log('ping is ' + ping.pid));
  ping.stdout.resume();
`;

interface Seen {
  readonly kind: ProbeFinding['outcome']['kind'];
  readonly at: number;
  readonly rtt: number;
  readonly reason: string;
}

/** A watch under way, and when it said what. */
class Watching {
  readonly begun = performance.now();
  readonly all: Seen[] = [];
  end: Awaited<ReturnType<Prober['watch']>> | null = null;
  readonly #abort = new AbortController();
  readonly #settled: Promise<void>;

  constructor(prober: Prober, plan: ProbePlan) {
    const report = ({ outcome }: ProbeFinding): void => {
      const rtt = outcome.kind === 'reply' ? outcome.rtt : 0;
      const reason = outcome.kind === 'refused' ? outcome.reason : '';
      this.all.push({ kind: outcome.kind, at: performance.now(), rtt, reason });
    };
    this.#settled = prober.watch(plan, report, this.#abort.signal).then((end) => {
      this.end = end;
    }) as Promise<void>;
  }

  findings(kind: Seen['kind'], count: number): Promise<readonly Seen[]> {
    const look = (): readonly Seen[] | null => {
      const found = this.all.filter((seen) => seen.kind === kind);
      return found.length >= count ? found : null;
    };
    return waitFor(look, LIMIT, `${count} findings of ${kind}`);
  }

  count(kind: Seen['kind']): number {
    return this.all.filter((seen) => seen.kind === kind).length;
  }

  lastBefore(kind: Seen['kind'], at: number): Seen | null {
    return this.all.filter((seen) => seen.kind === kind && seen.at < at).at(-1) ?? null;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#settled;
  }
}

async function connect(client: Namespace, ends: readonly Namespace[]): Promise<void> {
  await client.ip('link set lo up');
  for (const [i, end] of ends.entries()) {
    const link = LINKS[i];
    if (link === undefined) continue;
    const { device, table, source, gateway } = link;
    await client.ip(`link add ${device} type veth peer name far0 netns ${end.name}`, `link set ${device} up`);
    await end.ip('link set lo up', 'link set far0 up');
    await client.ip6(`addr add ${source}/64 dev ${device} nodad`);
    await end.ip6(`addr add ${gateway}/64 dev far0 nodad`);
    await end.ip6(`addr add ${TARGET}/128 dev lo nodad`, `addr add ${OTHER_TARGET}/128 dev lo nodad`);
    await client.ip6(`route add default via ${gateway} dev ${device} table ${table}`);
    await client.ip6(`rule add from ${source} lookup ${table} pref ${table}`);
  }
  // Links take a moment to carry packets, and neighbours to be found.
  for (const { source } of LINKS) {
    const ping = ['ping', '-6', '-c', '1', '-W', '0.2', '-I', source, TARGET];
    await waitFor(
      async () => (await client.exec(ping)).exitCode === 0,
      LIMIT,
      `the link of ${source} to carry packets`,
    );
  }
}

const filter = (rule: string): string => `table ip6 cut { chain in { type filter hook input priority 0; ${rule}; }; }`;

/** Drops probes without a word; neighbours stay found. */
const cut = (far: Namespace): Promise<void> =>
  far.nft(filter('meta l4proto { tcp, udp, icmpv6 } ip6 daddr 2001:db8:ffff::/48 drop'));

async function pidsIn(namespace: Namespace): Promise<readonly string[]> {
  const listed = await namespace.must(['ip', 'netns', 'pids', namespace.name]);
  return listed.split('\n').filter((pid) => pid !== '' && nameOf(Number(pid)) === 'ping');
}

/** False for one that has ended and whose parent has not asked yet. */
function isRunning(pid: number): boolean {
  return readdirSync('/proc').includes(String(pid)) && !/^State:\s*Z/m.test(statusOf(pid));
}

const nameOf = (pid: number): string => /^Name:\s*(\S+)/m.exec(statusOf(pid))?.[1] ?? '';

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return 'State:\tZ';
  }
}

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

interface Ends {
  readonly ipv4: string;
  readonly ipv6: string;
}
const CLIENT: Ends = { ipv4: '192.0.2.1', ipv6: '2001:db8:c::1' };
const ROUTER: Ends = { ipv4: '192.0.2.2', ipv6: '2001:db8:c::2' };
// Where the client may move to.
const NEXT: Ends = { ipv4: '203.0.113.1', ipv6: '2001:db8:d::1' };
const ROUTER_NEXT: Ends = { ipv4: '203.0.113.2', ipv6: '2001:db8:d::2' };
const FAR: Ends = { ipv4: '198.51.100.1', ipv6: '2001:db8:f::1' };
const FAR_ROUTER: Ends = { ipv4: '198.51.100.2', ipv6: '2001:db8:f::2' };

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

  const watch = (plan: Partial<ProbePlan> = {}): Watching => {
    const watching = new Watching(pingsIn(client), { ...PLAN, ...plan });
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

describe.skipIf(missing !== null)(`probers through a router${because}`, () => {
  let client: Namespace;
  let router: Namespace;
  let far: Namespace;
  const watches: Watching[] = [];

  beforeAll(async () => {
    const made = await addNamespaces(['client', 'router', 'far']);
    [client, router, far] = made as [Namespace, Namespace, Namespace];
    await connectThrough(client, router, far);
  });
  afterEach(async () => {
    await Promise.all(watches.splice(0).map((watching) => watching.stop()));
    await router.nft('flush ruleset');
    await router.ip('link set east0 mtu 1500');
    // What routers have told of the way is remembered for ten minutes.
    await client.ip('route flush cache');
    await client.ip6('route flush cache');
    await address(client, CLIENT, ROUTER);
  });
  afterAll(() => removeNamespaces([client, router, far]));

  const watch = (plan: Partial<ProbePlan>): Watching => {
    // Patient: what is late on a busy machine is not to be taken for lost.
    const deadline = { min: 500, max: 1_000 };
    const where = { iface: 'up0', source: null, interval: 100, deadline };
    const watching = new Watching(pingsIn(client), { ...PLAN, ...where, ...plan });
    watches.push(watching);
    return watching;
  };
  const narrow = (rule: string): Promise<void> =>
    router.nft(`table inet narrow { chain way { type filter hook forward priority 0; ${rule}; }; }`);

  describe.each([
    { family: 'IPv4', plan: { targets: [FAR.ipv4] }, shortest: 44, told: 'Frag needed and DF set (mtu = 1400)' },
    { family: 'IPv6', plan: { targets: [FAR.ipv6] }, shortest: 64, told: 'Packet too big: mtu=1400' },
    {
      family: 'IPv6 from a source of the plan’s',
      plan: { targets: [FAR.ipv6], source: CLIENT.ipv6 },
      shortest: 64,
      told: 'Packet too big: mtu=1400',
    },
  ])('over $family', ({ plan, shortest, told }) => {
    it('reports replies, a black hole, and replies again', async () => {
      const watching = watch(plan);
      await watching.findings('reply', 2);
      await narrow('meta l4proto { icmp, icmpv6 } drop');
      await watching.findings('lost', 2);
      const answered = watching.count('reply');
      await router.nft('flush ruleset');

      await watching.findings('reply', answered + 2);

      expect(watching.count('refused')).toBe(0);
    });

    it('reports what the network says it cannot deliver as refused', async () => {
      await narrow('meta l4proto { icmp, icmpv6 } reject with icmpx type admin-prohibited');

      const [refused] = await watch(plan).findings('refused', 2);

      expect(refused?.reason).toMatch(/filtered|prohibited/);
    });

    it('sends no longer packets than it needs to time them', async () => {
      await narrow(`meta length != ${shortest} drop`);

      const watching = watch(plan);

      await watching.findings('reply', 2);
      expect(watching.count('lost')).toBe(0);
    });

    it('loses only packets that a black hole for long ones swallows', async () => {
      await narrow('meta length > 1300 drop');
      const [small, fits, full, over] = [null, 1_300, 1_500, 1_301].map((packetSize) => watch({ ...plan, packetSize }));

      await Promise.all([small?.findings('reply', 3), fits?.findings('reply', 3)]);
      await Promise.all([full?.findings('lost', 3), over?.findings('lost', 3)]);

      expect([small?.count('lost'), fits?.count('lost')]).toEqual([0, 0]);
      expect([full, over].map((each) => each?.all.filter((seen) => seen.kind !== 'lost'))).toEqual([[], []]);
    });

    it('hears of the MTU from a router that tells it, and from the host from then on', async () => {
      await router.ip('link set east0 mtu 1400');
      const [full, fits] = [1_500, 1_400].map((packetSize) => watch({ ...plan, packetSize }));

      const refused = (await full?.findings('refused', 4)) ?? [];
      await fits?.findings('reply', 3);

      expect(refused[0]?.reason).toBe(told);
      for (const { reason } of refused.slice(1)) expect(reason).toMatch(/^message too long, mtu[:=] ?1400$/);
      expect([full?.count('lost'), full?.count('reply'), fits?.count('lost')]).toEqual([0, 0, 0]);
    });

    it('hears from its own host of a packet that is too long for the first link', async () => {
      const [refused] = await watch({ ...plan, packetSize: 1_501 }).findings('refused', 1);

      expect(refused?.reason).toMatch(/^message too long, mtu[:=] ?1500$/);
    });
  });

  it('reports every try as refused while the host has no IPv4 route, and replies once it has', async () => {
    await client.ip(`route del default via ${ROUTER.ipv4}`);
    const watching = watch({ targets: [FAR.ipv4] });
    const [refused] = await watching.findings('refused', 2);
    await client.ip(`route add default via ${ROUTER.ipv4}`);

    await watching.findings('reply', 1);

    expect(refused?.reason).toBe('Network is unreachable');
    expect(watching.end).toBeNull();
  });

  it('goes on by itself from the host’s next IPv4 address, where the plan names none', async () => {
    const watching = watch({ targets: [FAR.ipv4] });
    await watching.findings('reply', 2);
    await address(client, NEXT, ROUTER_NEXT);
    const answered = watching.count('reply');

    await watching.findings('reply', answered + 3);

    expect(watching.end).toBeNull();
  });

  it('loses what it sends from a source that has left the host; a watch from the next one has replies', async () => {
    const before = watch({ targets: [FAR.ipv6], source: CLIENT.ipv6 });
    await before.findings('reply', 2);
    await address(client, NEXT, ROUTER_NEXT);
    const answered = before.count('reply');
    const after = watch({ targets: [FAR.ipv6], source: NEXT.ipv6 });

    await after.findings('reply', 3);
    await before.findings('lost', 3);

    // One reply may have come in while the address was being taken away.
    expect(before.count('reply') - answered).toBeLessThanOrEqual(1);
  });
});

const pingsIn = (namespace: Namespace): Prober =>
  pingProber({
    spawn: (argv, listener) => spawnPing(['ip', 'netns', 'exec', namespace.name, ...argv], listener),
    random: () => 1,
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

/** One way from the client to the far end, as the IPv4 underlay of a tunnel would be, and a tunnel's inside. */
async function connectThrough(client: Namespace, router: Namespace, far: Namespace): Promise<void> {
  await Promise.all([client, router, far].map((each) => each.ip('link set lo up')));
  await client.ip(`link add up0 type veth peer name west0 netns ${router.name}`, 'link set up0 up');
  await router.ip(
    `link add east0 type veth peer name far0 netns ${far.name}`,
    'link set west0 up',
    'link set east0 up',
  );
  await far.ip('link set far0 up');
  await router.sysctl('net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  for (const { ipv4, ipv6 } of [ROUTER, ROUTER_NEXT]) {
    await router.ip(`addr add ${ipv4}/24 dev west0`);
    await router.ip6(`addr add ${ipv6}/64 dev west0 nodad`);
  }
  await router.ip(`addr add ${FAR_ROUTER.ipv4}/24 dev east0`);
  await router.ip6(`addr add ${FAR_ROUTER.ipv6}/64 dev east0 nodad`);
  await far.ip(`addr add ${FAR.ipv4}/24 dev far0`, `route add default via ${FAR_ROUTER.ipv4}`);
  await far.ip6(`addr add ${FAR.ipv6}/64 dev far0 nodad`, `route add default via ${FAR_ROUTER.ipv6}`);
  await address(client, CLIENT, ROUTER);
  for (const target of [FAR.ipv4, FAR.ipv6]) {
    const ping = ['ping', '-c', '1', '-W', '0.2', target];
    await waitFor(async () => (await client.exec(ping)).exitCode === 0, LIMIT, `the way to ${target} to carry packets`);
  }
}

/** Gives the client these addresses and this way out, and no others. */
async function address(client: Namespace, own: Ends, gateway: Ends): Promise<void> {
  await client.ip('addr flush dev up0 scope global', `addr add ${own.ipv4}/24 dev up0`);
  await client.ip6(`addr add ${own.ipv6}/64 dev up0 nodad`, `route replace default via ${gateway.ipv6}`);
  await client.ip(`route replace default via ${gateway.ipv4}`);
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

import type { Millis } from '@hurricane/core';
import type { Prng } from '@hurricane/core/testing';
import type { Running } from './command.js';
import { Gatewayd } from './gatewayd.js';
import { IpPipe } from './ip-pipe.js';
import { LeakLedger } from './leak-ledger.js';
import type { Testbed } from './testbed.js';
import { type Pop, TARGETS } from './topology.js';
import { waitFor } from './wait-for.js';

/** The host's own way to the world, which our default goes before and a leak would take. */
export const NATIVE = {
  iface: 'lan0',
  source: '2001:db8:99::2',
  route: 'route add default via fe80::1 dev lan0 metric 4096 proto static',
};

/**
 * How long it may take until what was pulled down stands again: a start of the daemon, some tries, and the
 * look it takes every 30 s even without a sign of a change.
 */
const WHOLE_LIMIT: Millis = 60_000;

/** One tunnel, as the operations know it. */
export interface BenchTunnel {
  readonly pop: Pop;
  /** `a` for `popA`. */
  readonly name: string;
  readonly iface: string;
  readonly source: string;
  enabled: boolean;
  priority: number;
  mtu: number;
}

/** A daemon with its tunnels on a test bed, the traffic beside it, and what leaves by which interface. */
export class LeakBench {
  readonly bed: Testbed;
  readonly random: Prng;
  readonly ledger: LeakLedger;
  readonly tunnels: readonly BenchTunnel[];
  /** For what somebody does to the client's IPv6. */
  readonly ip: IpPipe;
  targets: readonly string[] = TARGETS;
  /** How long each thing that somebody did by hand was not mended, and how many packets left elsewhere meanwhile. */
  readonly holes = new Map<string, { readonly times: readonly Millis[]; readonly packets: number }>();
  /** Null while it is killed and not yet back. */
  gatewayd: Gatewayd | null = null;
  /** The client's network before the daemon came. */
  before = '';
  #ready: Gatewayd | null = null;
  #chatter: Running | null = null;

  private constructor(bed: Testbed, random: Prng, ledger: LeakLedger, tunnels: readonly BenchTunnel[]) {
    this.bed = bed;
    this.ip = new IpPipe(bed.client);
    this.random = random;
    this.ledger = ledger;
    this.tunnels = tunnels;
  }

  /** With everything up and traffic on its way. */
  static async open(bed: Testbed, random: Prng): Promise<LeakBench> {
    const tunnels = bed.pops.map((pop, priority) => {
      const name = pop.name.slice('pop'.length).toLowerCase();
      return { pop, name, iface: `he-${name}`, source: pop.tunnel.client, enabled: true, priority, mtu: 1_480 };
    });
    await giveNative(bed);
    const owners = new Map([...tunnels, NATIVE].map(({ source, iface }) => [source, iface]));
    const ledger = await LeakLedger.open(bed.client, owners);
    const bench = new LeakBench(bed, random, ledger, tunnels);
    bench.before = await bed.snapshot('client');
    await bench.allUp();
    await bench.#chat();
    return bench;
  }

  /** Starts the daemon with the configuration of the moment, if there is none. */
  async start(): Promise<Gatewayd> {
    if (this.gatewayd?.process.ended === true) {
      // A child of a killed one has what was open in it until it becomes another program.
      if (!this.log().includes('Port 8642 on 127.0.0.1 (api_port) is taken')) {
        throw new Error(`the daemon ended by itself\n${this.log()}`);
      }
      this.gatewayd = null;
    }
    this.gatewayd ??= await Gatewayd.start(this.bed, this.configuration());
    return this.gatewayd;
  }

  /** Starts it and waits until it has cleared away what its predecessor left. */
  async ready(): Promise<Gatewayd> {
    const begun = this.enabled.length === 0 ? 'Gateway started' : 'down -> starting';
    const hasBegun = async (): Promise<boolean> => {
      const gatewayd = await this.start();
      if (this.#ready !== gatewayd && gatewayd.process.output.includes(begun)) this.#ready = gatewayd;
      return this.#ready === gatewayd;
    };
    await this.until(hasBegun, `the daemon to say "${begun}"`);
    return this.start();
  }

  async reload(): Promise<void> {
    const gatewayd = await this.ready();
    await gatewayd.reload(this.configuration());
  }

  async kill(): Promise<void> {
    await this.gatewayd?.kill();
    this.gatewayd = null;
  }

  async stop(): Promise<void> {
    await this.gatewayd?.end();
    this.gatewayd = null;
  }

  /** Quick to fail back and to try again, so that there is much to go wrong in little time. */
  configuration(): string {
    const sections = this.tunnels.map(
      ({ name, iface, pop, enabled, priority, mtu }) => `[tunnel.${name}]
type = he_6in4
iface = ${iface}
endpoint_ipv4 = ${pop.v4}
v6_prefix = ${pop.tunnel.client}/64
enabled = ${enabled}
priority = ${priority}
mtu = ${mtu}
`,
    );
    return `[health]
targets = ${this.targets.join(', ')}

[failover]
failback_after = 200ms
check_interval = 1s

[operation]
retry_min = 100ms
retry_max = 500ms

${sections.join('\n')}`;
  }

  get enabled(): readonly BenchTunnel[] {
    return this.tunnels.filter(({ enabled }) => enabled);
  }

  /** Whether there is a rule that holds the tunnel's packets to a table of its own. */
  async hasRule(tunnel: BenchTunnel): Promise<boolean> {
    return (await this.tableOf(tunnel)) !== null;
  }

  /** The table that the tunnel's packets are held to; null while they are not. */
  async tableOf({ source }: BenchTunnel): Promise<string | null> {
    return tableIn(await this.bed.client.must(['ip', '-6', 'rule', 'show']), source);
  }

  /** Waits for what the daemon has to bring about; says what it did when it does not come. */
  async until(condition: () => Promise<boolean>, what: string): Promise<void> {
    await waitFor(condition, WHOLE_LIMIT, what).catch(async (error: unknown) => {
      const show = async (...args: string[]): Promise<string> =>
        (await this.bed.client.exec(['ip', '-6', ...args])).stdout;
      const host = [
        await show('rule', 'show'),
        await show('route', 'show', 'table', 'all'),
        await show('addr', 'show'),
      ];
      throw new Error([String(error), ...host, this.log()].join('\n'));
    });
  }

  /** Waits until packets of every enabled tunnel have nowhere to go but their own; resolves to how long it took. */
  async held(): Promise<Millis> {
    const since = performance.now();
    await this.ready();
    await this.until(() => this.#areHeld(), 'all tunnels to be held to their tables');
    return performance.now() - since;
  }

  /** The rule, what it leads to, and the address: without it the kernel chooses another one for what leaves there. */
  async #areHeld(): Promise<boolean> {
    const [rules, routes, addresses] = await Promise.all([
      this.bed.client.must(['ip', '-6', 'rule', 'show']),
      this.bed.client.must(['ip', '-6', 'route', 'show', 'table', 'all', 'proto', '206']),
      this.bed.client.must(['ip', '-6', '-o', 'addr', 'show']),
    ]);
    return this.enabled.every(({ source }) => {
      const table = tableIn(rules, source);
      const isGuarded = routes.includes(`unreachable default dev lo table ${table} `);
      return table !== null && isGuarded && addresses.includes(`inet6 ${source}/64 `);
    });
  }

  noteHole(what: string, took: Millis, leaked: number): void {
    const { times, packets } = this.holes.get(what) ?? { times: [], packets: 0 };
    this.holes.set(what, { times: [...times, took], packets: packets + leaked });
  }

  /** Waits until every enabled tunnel is up, whether or not anything comes back through it. */
  async raised(): Promise<void> {
    const gatewayd = await this.ready();
    const names = this.enabled.map(({ name }) => name);
    await this.until(
      async () => {
        const { tunnels } = await gatewayd.tunnels();
        return names.every((name) => tunnels.some((tunnel) => tunnel.name === name && tunnel.state === 'up'));
      },
      `${names.join(' and ')} to be up`,
    );
  }

  /** Waits until every enabled tunnel answers. */
  async allUp(): Promise<void> {
    const gatewayd = await this.ready();
    for (const { name } of this.enabled) {
      await this.until(
        async () => (await gatewayd.tunnels()).tunnels.some((tunnel) => tunnel.name === name && tunnel.reachable),
        `${name} to answer`,
      );
    }
  }

  /** The end of what the daemon has said. */
  log(): string {
    return this.gatewayd?.process.output.slice(-8_192) ?? '';
  }

  async #chat(): Promise<void> {
    // Nobody answers, so that what leaves is only what was sent.
    await this.bed.internet.nft(
      'table inet sink { chain arrive { type filter hook prerouting priority raw; meta l4proto { tcp, udp } th dport 7000-7009 drop; }; }',
    );
    const script = new URL('./chatter.mjs', import.meta.url).pathname;
    const sources = this.tunnels.map(({ source }) => source);
    const chatter = this.bed.client.spawn([process.execPath, script, TARGETS[0], ...sources]);
    await chatter.says(/sending/);
    this.#chatter = chatter;
  }

  /** Ends the traffic and the daemon, in order. */
  async close(): Promise<void> {
    await this.ip.close();
    this.#chatter?.signal('SIGKILL');
    await this.#chatter?.end();
    await this.stop();
  }

  /** What was counted, a line each. */
  summary(): readonly string[] {
    const { proper, exempted } = this.ledger.report;
    const holes = [...this.holes].map(([what, { times, packets }]) => {
      const sorted = [...times].sort((a, b) => a - b);
      const median = sorted[Math.floor(sorted.length / 2)]?.toFixed();
      return `  ${what} ...: ${times.length} times, held again after ${median} ms (longest ${sorted.at(-1)?.toFixed()} ms), ${packets} packets`;
    });
    return [
      ...Object.entries(proper).map(([source, packets]) => `${packets} packets from ${source} left as they should`),
      `left elsewhere, from old sockets of tunnels that were taken out: ${exempted['taken out']}`,
      `left elsewhere, while somebody's hands were on our rules: ${exempted['hands on our rules']}`,
      ...holes,
    ];
  }
}

/** An uplink with a default of its own, on which nobody ever answers. */
async function giveNative({ client }: Testbed): Promise<void> {
  const { iface, source, route } = NATIVE;
  await client.ip(
    `link add ${iface} type veth peer name ${iface}-far`,
    ...[iface, `${iface}-far`].map((each) => `link set ${each} up`),
  );
  await client.ip6(
    `addr add ${source}/64 dev ${iface} nodad`,
    `neigh add fe80::1 lladdr 02:00:00:00:00:01 dev ${iface}`,
    route,
  );
}

const tableIn = (rules: string, source: string): string | null =>
  new RegExp(`from ${source}/64 lookup (\\d+)`).exec(rules)?.[1] ?? null;

import type { Millis } from '@hurricane/core';
import { type BenchTunnel, type LeakBench, NATIVE } from './leak-bench.js';
import { flushForeign } from './networkd.js';
import type { Testbed } from './testbed.js';
import { pass } from './wait-for.js';

/** One thing that somebody does to the host or to the gateway. */
export interface Operation {
  readonly name: string;
  /** How often it is drawn, against the others. */
  readonly weight: number;
  /** Resolves to what it did it to. */
  run(bench: LeakBench): Promise<string>;
}

/** In which a daemon that was told something is killed over it. */
const MIDST: Millis = 150;

/** Without a leak for so long there is none, and a socket that remembers its way lives longer than the limit. */
const DRY: Millis = 50;
const DRAIN_LIMIT: Millis = 1_000;

/** During and after these no packet of any tunnel may leave by another interface. */
export const HARMLESS: readonly Operation[] = [
  onOne('cut', 50, ({ bed }, { pop }) => bed.cut(pop.name)),
  onOne('restore', 70, ({ bed }, { pop }) => bed.restore(pop.name)),
  onOne('delete the interface of', 100, (bench, { iface }) => bench.ip.send(`link del ${iface}`)),
  onOne('take down the interface of', 70, (bench, { iface }) => bench.ip.send(`link set ${iface} down`)),
  onOne('take up the interface of', 70, (bench, { iface }) => bench.ip.send(`link set ${iface} up`)),
  onOne('delete the main default of', 70, (bench, { iface }) =>
    bench.ip.send(`route del default dev ${iface} proto 206`),
  ),
  onOne('delete every default of', 70, (bench, { iface }) =>
    bench.ip.send(`route flush root default dev ${iface} proto 206 table all`),
  ),
  onAll('reload with other ranks', 50, (bench) => {
    for (const tunnel of bench.tunnels) tunnel.priority = bench.random.between(0, 5);
    bench.targets = [...bench.targets].reverse();
    return bench.reload();
  }),
  onAll('kill and start', 20, async (bench) => {
    await bench.kill();
    await bench.start();
  }),
  onAll('kill', 8, (bench) => bench.kill()),
  onAll('start', 16, (bench) => bench.start()),
  onAll('wait', 40, ({ random }) => pass(random.between(10, 250))),
];

/**
 * The user lowers and raises. What was bound to a lowered tunnel's address before is on its own until it
 * is raised again; whoever asks for the address anew does not get it.
 */
export const LOWERING: readonly Operation[] = [
  onOne('lower', 3, async (bench, tunnel) => {
    if (!tunnel.enabled) return;
    await bench.ledger.exempt([tunnel.source], 'taken out', `before ${tunnel.name} was lowered`);
    tunnel.enabled = false;
    await reloadOrDie(bench);
    await bench.until(async () => !(await bench.hasRule(tunnel)), `${tunnel.name} to be lowered`);
  }),
  onAll('raise', 5, (bench) => raise(bench)),
  onOne('change the MTU of', 1, async (bench, tunnel) => {
    if (!tunnel.enabled) return;
    await bench.ledger.exempt([tunnel.source], 'taken out', `before ${tunnel.name} was changed`);
    tunnel.mtu = tunnel.mtu === 1_480 ? 1_400 : 1_480;
    await reloadOrDie(bench);
    const isNew = async (): Promise<boolean> =>
      (await bench.bed.client.exec(['ip', 'link', 'show', 'dev', tunnel.iface])).stdout.includes(`mtu ${tunnel.mtu} `);
    await bench.until(isNew, `${tunnel.name} to be changed`);
    await back(bench);
  }),
  onAll('stop and start', 1, async (bench) => {
    const sources = bench.enabled.map(({ source }) => source);
    await bench.ledger.exempt(sources, 'taken out', 'before a stop');
    await bench.start();
    await bench.stop();
    await bench.start();
    await back(bench);
  }),
];

/** Somebody takes away what holds a tunnel's packets to it. Each waits until they are held again. */
export const HANDS: readonly Operation[] = [
  byHand('delete the rule of', 4, ({ bed }, { pop }) => ip6(bed, `rule del from ${pop.tunnel.client}/64 protocol 206`)),
  byHand('delete both rules of', 2, ({ bed }, { pop, iface }) =>
    ip6(bed, `rule del from ${pop.tunnel.client}/64 protocol 206`, `rule del oif ${iface} protocol 206`),
  ),
  byHand('flush the table of', 2, async (bench, tunnel) => {
    const table = await bench.tableOf(tunnel);
    // `flush` leaves an unreachable default of the last metric (iproute.c).
    await ip6(bench.bed, `route flush table ${table}`, `route del unreachable default table ${table}`);
  }),
  byHand('take the address of', 2, ({ bed }, { source, iface }) => ip6(bed, `addr del ${source}/64 dev ${iface}`)),
  byHand('flush all rules, with', 1, ({ bed }) => ip6(bed, 'rule flush protocol 206')),
  byHand('restart systemd-networkd, with', 1, async ({ bed }) => {
    await flushForeign(bed.client);
    // It puts back what its own files have.
    await ip6(bed, NATIVE.route);
  }),
];

/** Raises what is lowered, and waits until it is held to its own table again. */
export async function raise(bench: LeakBench): Promise<void> {
  const lowered = bench.tunnels.filter(({ enabled }) => !enabled);
  if (lowered.length === 0) return;
  for (const tunnel of lowered) tunnel.enabled = true;
  await bench.reload();
  await back(bench);
}

/** What holds a tunnel's packets outlives whatever happens to it once it is up; on its way up a failure undoes it. */
async function back(bench: LeakBench): Promise<void> {
  await bench.raised();
  await bench.held();
  await bench.ledger.lift(
    bench.enabled.map(({ source }) => source),
    `when ${bench.enabled.map(({ name }) => name).join(' and ')} were up`,
  );
}

/** Has the daemon read its configuration; sometimes it dies over it and its successor finds what is left. */
async function reloadOrDie(bench: LeakBench): Promise<void> {
  await bench.reload();
  if (!bench.random.chance(0.3)) return;
  await pass(bench.random.between(0, MIDST));
  await bench.kill();
  await bench.start();
}

function onAll(name: string, weight: number, run: (bench: LeakBench) => unknown): Operation {
  return {
    name,
    weight,
    run: async (bench) => {
      await run(bench);
      return name;
    },
  };
}

function onOne(name: string, weight: number, run: (bench: LeakBench, tunnel: BenchTunnel) => unknown): Operation {
  return {
    name,
    weight,
    run: async (bench) => {
      const tunnel = bench.random.pick(bench.tunnels);
      await run(bench, tunnel);
      return `${name} ${tunnel.name}`;
    },
  };
}

/** On one that is up; exempt is whatever is not held any more. */
function byHand(name: string, weight: number, run: (bench: LeakBench, tunnel: BenchTunnel) => unknown): Operation {
  return onOne(name, weight, async (bench, tunnel) => {
    if (!tunnel.enabled) return;
    await bench.start();
    await bench.held();
    // The host's own too: it becomes the source of what leaves by a tunnel that has lost its address.
    const sources = [...bench.enabled, NATIVE].map(({ source }) => source);
    await bench.ledger.exempt(sources, 'hands on our rules', `before somebody did this: ${name} ${tunnel.name}`);
    await run(bench, tunnel);
    const took = await bench.held();
    const leaked = await untilDry(bench, `while this was mended: ${name} ${tunnel.name}`);
    await bench.ledger.lift(sources, `after this was mended: ${name} ${tunnel.name}`);
    bench.noteHole(name, took, leaked);
  });
}

/** Rules and routes are back a moment before sockets are told to look again. Resolves to what leaked until then. */
async function untilDry({ ledger }: LeakBench, when: string): Promise<number> {
  const since = performance.now();
  let [sum, leaked] = [0, 0];
  do {
    leaked = await ledger.settle(when);
    sum += leaked;
    await pass(DRY);
  } while (leaked > 0 && performance.now() - since < DRAIN_LIMIT);
  return sum;
}

/** Resolves once it is done; what is to be deleted may be gone already. */
async function ip6({ client }: Testbed, ...lines: readonly string[]): Promise<void> {
  await client.exec(['ip', '-6', '-force', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

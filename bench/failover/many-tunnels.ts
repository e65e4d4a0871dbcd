import { setMaxListeners } from 'node:events';
import { Gateway, type HealthPolicy, jittered, systemClock } from '@hurricane/core';
import { simulatedConfig, simulatedHost, simulatedTunnel } from '@hurricane/core/testing';

// node many-tunnels.js gateway|network TUNNELS SETTLE_SECONDS SECONDS, over an IPC channel: runs a gateway with
// so many tunnels over a simulated host, or the host's probes with nobody who judges them, on the system's
// clock, and sends what it took.

/** What a gateway took while it was watched. */
export interface Load {
  readonly seconds: number;
  /** Processor time, as a share of one core. */
  readonly core: number;
  /** Resident set, in bytes. */
  readonly memory: number;
  /** How many probes it heard of. */
  readonly probes: number;
}

/** Jittered, a probe leaves once a second in the mean. */
const EVERY_SECOND = 1_000 / jittered(1, 0.5);
const PROBED_EVERY_SECOND: Partial<HealthPolicy> = { interval: EVERY_SECOND, quickInterval: EVERY_SECOND };

const [tunnels = 0, settle = 0, seconds = 0] = process.argv.slice(3).map(Number);
// Ctrl-C ends the bench; this goes with it.
process.once('disconnect', () => process.exit());

const names = Array.from({ length: tunnels }, (_, i) => `t${i}`);
const config = simulatedConfig({ tunnels: names.map((name) => simulatedTunnel(name)), health: PROBED_EVERY_SECOND });
const host = simulatedHost({ clock: systemClock, seed: 1 });
const begun = performance.now();
let probes = 0;
let before: Reading | null = null;

interface Reading {
  readonly at: number;
  /** Microseconds. */
  readonly cpu: number;
  readonly probes: number;
}

if (process.argv[2] === 'network') watchAll();
else runGateway();

function runGateway(): void {
  const gateway = Gateway.create({
    config,
    host,
    observer: ({ event }) => {
      if (event.type === 'probed') probes += 1;
      look();
    },
  });
  if (gateway.isErr()) throw new Error(gateway.error.kind);
  gateway.value.start();
}

function watchAll(): void {
  const { health } = config;
  const silence = new AbortController().signal;
  setMaxListeners(0, silence);
  for (const { iface } of config.tunnels) {
    const plan = { iface, source: '2001:db8::2', targets: health.targets.slice(0, 1), interval: health.interval };
    void host.prober.watch(
      { ...plan, packetSize: null, deadline: health.deadline, rtt: null },
      () => {
        probes += 1;
        look();
      },
      silence,
    );
  }
}

/** After each step, not by a timer of its own: where steps take longer than there is time for, timers come up late. */
function look(): void {
  if (performance.now() - begun < settle * 1000) return;
  before ??= read();
  if (performance.now() - before.at >= seconds * 1000) report(before);
}

function read(): Reading {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), cpu: user + system, probes };
}

function report(since: Reading): void {
  // Several probes may come back in the moment in which it has ended.
  if (!process.connected) return;
  const until = read();
  const wall = until.at - since.at;
  const load: Load = {
    seconds: wall / 1000,
    core: (until.cpu - since.cpu) / 1000 / wall,
    memory: process.memoryUsage.rss(),
    probes: until.probes - since.probes,
  };
  process.send?.(load);
  process.disconnect?.();
}

import { jittered, type Prober } from '@hurricane/core';
import { type SpawnPing, spawnPing } from './ping-process.js';
import { Pinger } from './pinger.js';
import { type ProbeClock, probeClock } from './probe-clock.js';
import { runProbeWatch } from './probe-watch.js';

/** ping's own floor between two probes (iputils, MIN_INTERVAL_MS), in milliseconds. */
const PERIOD_FLOOR = 10;

export interface PingProberOptions {
  /** Starts ping; for tests and namespaces. Default: a child process. */
  readonly spawn?: SpawnPing;
  /** Default: the host's monotonic clock. */
  readonly clock?: ProbeClock;
  /** From 0 to 1, for the jitter. Default: `Math.random`. */
  readonly random?: () => number;
}

/**
 * Probes with ICMP or ICMPv6 echo requests, through one long-lived `ping` (iputils) for each target.
 *
 * Round trips are those ping measures, whose kernel timestamps our own load does not touch. A loss is
 * reported at our deadline, whenever ping would say so. Packets leave by the routing rules of the
 * plan's source address, so those must be there first. A packet the host itself cannot send counts
 * as lost where ping keeps it to itself, as iputils 20221126 does; not one that is too long for what
 * the host knows of the way: that, and a router that says so, is `refused`, with the MTU in the reason.
 *
 * Errs with `missing_tool`, `not_permitted`, `interface_missing` when the source address is not on
 * this host, or `command_failed` when ping ends for another reason.
 */
export function pingProber(options: PingProberOptions = {}): Prober {
  const { spawn = spawnPing, clock = probeClock, random = Math.random } = options;
  return {
    watch: (plan, report, signal) =>
      runProbeWatch(report, signal, (watch) => {
        const begin = clock.now();
        const interval = jittered(plan.interval, random());
        const period = Math.max(PERIOD_FLOOR, Math.floor(interval * plan.targets.length));
        const pingers = plan.targets.map(
          (target, i) =>
            new Pinger({
              plan,
              target,
              at: begin + i * interval,
              period,
              clock,
              spawn,
              report: (outcome) => watch.report({ target, outcome }),
              fail: watch.fail,
            }),
        );
        return () => Promise.all(pingers.map((pinger) => pinger.stop())).then(() => undefined);
      }),
  };
}

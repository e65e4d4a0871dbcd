import { type FaultPlace, type GatewayStatus, type TunnelState, type TunnelStatus, tunnelView } from '@hurricane/core';
import type { Family, Sample } from './metrics-text.js';

/** What a process says of itself. Null: it cannot tell. `processSource` of the `./node` entry reads it. */
export interface ProcessReading {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly openFds: number | null;
  readonly maxFds: number | null;
  readonly startedAt: number;
  /** Time in which the event loop was busy, since the start. */
  readonly loopBusySeconds: number;
  readonly lag: readonly Sample[];
}

const STATES: { readonly [S in TunnelState['kind']]: true } = {
  down: true,
  starting: true,
  up: true,
  stopping: true,
  failed: true,
};

const PLACES: { readonly [P in FaultPlace]: true } = {
  local: true,
  underlay: true,
  pop: true,
  upstream: true,
  target: true,
};

/** What is true of the gateway and its tunnels at this moment. */
export function gaugeFamilies(status: GatewayStatus): readonly Family[] {
  const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
    name: `hurricane_${name}`,
    type: 'gauge',
    help,
    samples,
  });
  const whole = (name: string, help: string, value: boolean): Family => gauge(name, help, [one(value)]);
  const each = (name: string, help: string, of: (t: TunnelStatus) => number | boolean | null): Family =>
    gauge(
      `tunnel_${name}`,
      help,
      status.tunnels.flatMap((t) => sampleOf(t, of(t))),
    );
  const set = (name: string, help: string, label: string, words: object, of: (t: TunnelStatus) => string | null) =>
    gauge(
      `tunnel_${name}`,
      help,
      status.tunnels.flatMap((t) =>
        Object.keys(words).map((word) => one(of(t) === word, { tunnel: t.config.name, [label]: word })),
      ),
    );
  return [
    whole('gateway_running', 'Whether the gateway runs.', status.phase === 'running'),
    whole('gateway_stranded', 'Whether the primary is sick and no backup is fit.', status.stranded),
    whole('gateway_targets_silent', 'Whether no probe target answers through any tunnel.', status.targetsSilent),
    each('enabled', 'Whether the configuration wants the tunnel up.', (t) => t.config.enabled),
    each('up', 'Whether the tunnel is up.', (t) => t.state === 'up'),
    each('reachable', 'Whether probes through the tunnel are answered; absent while unknown.', reachable),
    each('primary', 'Whether the tunnel has the default route.', (t) => t.primary),
    each('score', 'Health from 0 (dead) to 100 (perfect); absent while unmeasured.', (t) => t.health?.score ?? null),
    each('latency_seconds', 'Median round trip of the last minute; absent while unreachable.', latencySeconds),
    each('loss_ratio', 'Share of the probes of the last minute that were lost.', (t) => t.health?.loss ?? null),
    each('mtu_black_hole', 'Whether packets of full size vanish in the tunnel.', (t) => t.mtuBlackHole),
    set('state', 'The state of the tunnel: 1 for the one it is in.', 'state', STATES, (t) => t.state),
    set('fault', 'Where the tunnel is broken: 1 for that place.', 'place', PLACES, (t) => t.faultPlace),
  ];
}

export function processFamilies(reading: ProcessReading): readonly Family[] {
  const row = (name: string, type: Family['type'], help: string, value: number | null): Family => ({
    name,
    type,
    help,
    samples: value === null ? [] : [{ labels: {}, value }],
  });
  const lag = 'How late a timer of one second came.';
  return [
    row('process_cpu_seconds_total', 'counter', 'CPU time of user and system.', reading.cpuSeconds),
    row('process_resident_memory_bytes', 'gauge', 'Resident memory.', reading.residentBytes),
    row('process_open_fds', 'gauge', 'Open file descriptors.', reading.openFds),
    row('process_max_fds', 'gauge', 'How many file descriptors may be open.', reading.maxFds),
    row('process_start_time_seconds', 'gauge', 'When the process began, in Unix time.', reading.startedAt),
    row('hurricane_event_loop_busy_seconds_total', 'counter', 'Time the event loop was busy.', reading.loopBusySeconds),
    { name: 'hurricane_event_loop_lag_seconds', type: 'histogram', help: lag, samples: reading.lag },
  ];
}

function latencySeconds(t: TunnelStatus): number | null {
  const latency = t.health?.latency ?? null;
  return latency === null || reachable(t) !== true ? null : latency / 1_000;
}

const reachable = (t: TunnelStatus): boolean | null => tunnelView(t).reachable;

function sampleOf(t: TunnelStatus, value: number | boolean | null): readonly Sample[] {
  if (value === null) return [];
  return [{ labels: { tunnel: t.config.name }, value: Number(value) }];
}

const one = (value: boolean, labels: Sample['labels'] = {}): Sample => ({ labels, value: Number(value) });

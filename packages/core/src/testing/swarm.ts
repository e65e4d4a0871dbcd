import type { Config, FailoverPolicy, TunnelConfig, TunnelType } from '../config/model.js';
import { type Faults, NO_FAULTS } from './faults.js';
import type { Prng } from './prng.js';
import { SIMULATED_TARGETS, simulatedConfig, simulatedTunnel } from './simulated-config.js';
import type { Weather } from './weather.js';

/** What operators and configuration files do to a gateway. Chances per weather interval. */
export interface Hands {
  readonly lowers: number;
  readonly raises: number;
  readonly reloads: number;
  readonly skews: number;
  /** The operator asks for a tunnel, or for none. */
  readonly prefers: number;
  readonly restarts: number;
}

export interface SwarmOptions {
  readonly config: Config;
  readonly faults: Faults;
  readonly weather: Weather;
  readonly hands: Hands;
}

const TYPES: readonly TunnelType[] = ['he_6in4', 'wireguard', 'mullvad', 'external'];

/** Each seed switches most faults off, so that the few left on are not drowned out by the rest. */
const FAULT_ON = 0.4;

/** What one seed plays with. `later` is for what was added: seeds that once failed go on playing what they played. */
export function drawSwarm(prng: Prng, later: Prng): SwarmOptions {
  const drawn = (from: Prng, most: number): number => (from.chance(FAULT_ON) ? most * from.unit() : 0);
  const on = (most: number): number => drawn(prng, most);
  const count = prng.between(1, 4);
  const tunnels = Array.from({ length: count }, (_, i) => drawTunnel(`t${i}`, prng));
  const failover: Partial<FailoverPolicy> = {
    failback: prng.chance(0.8) ? 'auto' : 'never',
    checkInterval: prng.pick([10_000, 60_000]),
    failbackAfter: prng.pick([10_000, 60_000]),
  };
  const targets = prng.chance(0.3) ? SIMULATED_TARGETS.slice(0, 1) : SIMULATED_TARGETS;
  return {
    config: simulatedConfig({ tunnels, failover, health: { targets } }),
    faults: drawFaults(prng, on),
    weather: drawWeather(prng, on),
    hands: {
      lowers: on(0.05),
      raises: 0.02,
      reloads: on(0.05),
      skews: on(0.02),
      prefers: drawn(later, 0.1),
      restarts: drawn(later, 0.05),
    },
  };
}

export function drawTunnel(name: string, prng: Prng): TunnelConfig {
  return simulatedTunnel(name, { type: prng.pick(TYPES), priority: prng.between(0, 5) });
}

function drawFaults(prng: Prng, on: (most: number) => number): Faults {
  return {
    ...NO_FAULTS,
    raiseFails: on(0.5),
    lowerFails: on(0.5),
    inspectFails: on(0.3),
    hangs: on(0.3),
    deaf: on(0.5),
    halfHappens: on(1),
    throws: on(0.1),
    routeFails: on(0.5),
    routeHangs: on(0.3),
    probingFails: on(0.3),
    proberDies: on(0.01),
    monitorMisses: on(1),
    monitorFails: on(1),
    meterFails: on(0.5),
    meterHangs: on(0.3),
    operationTime: [1, prng.chance(0.3) ? 20_000 : 200],
  };
}

function drawWeather(prng: Prng, on: (most: number) => number): Weather {
  return {
    changes: on(0.2),
    losses: prng.chance(0.7) ? [0, 0, 0, 0.05, 0.2, 0.6, 1] : [0],
    rtts: prng.chance(0.5) ? [20, 20, 70, 150, 400, 900, 5_000] : [20],
    inflows: prng.chance(0.5) ? [0, 100, 20_000, 1_000_000] : [0],
    cuts: on(0.05),
    darkens: on(0.01),
    refuses: on(0.02),
    vanishes: on(0.05),
    readdresses: on(0.03),
    targetDies: on(0.02),
    targetsDie: on(0.01),
    narrows: on(0.05),
    mutes: on(0.05),
    flushes: on(0.02),
    unroutes: on(0.05),
    naps: on(0.005),
  };
}

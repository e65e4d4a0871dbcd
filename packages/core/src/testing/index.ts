export { type Faults, NO_FAULTS } from './faults.js';
export { HandProber } from './hand-prober.js';
export { CUT_PLACES, type CutPlace, Link, type LinkOptions } from './link.js';
export { MemoryPortMappings, type MemoryPortMappingsOptions } from './memory-port-mappings.js';
export { Prng } from './prng.js';
export { type SimulationOptions, type SimulationReport, simulate } from './simulate.js';
export {
  SIMULATED_TARGETS,
  type SimulatedConfigOptions,
  type SimulatedTunnelOptions,
  simulatedConfig,
  simulatedTunnel,
} from './simulated-config.js';
export { abortOf, sleep } from './sleep.js';
export { Stage, type StageOptions } from './stage.js';
export { settled, VirtualClock } from './virtual-clock.js';
export { simulatedHost, World, type WorldOptions } from './world.js';

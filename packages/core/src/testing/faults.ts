import type { Millis } from '../units.js';

/** What goes wrong on a simulated host. Numbers are chances from 0 to 1, drawn once per occasion. */
export interface Faults {
  readonly raiseFails: number;
  readonly lowerFails: number;
  readonly inspectFails: number;
  /** A driver's operation answers only when it is called off. */
  readonly hangs: number;
  /** A driver that was called off answers up to 20 s late, against its contract. */
  readonly deaf: number;
  /** A failed or called-off operation has taken effect all the same. */
  readonly halfHappens: number;
  /** A driver throws or rejects, against its contract. */
  readonly throws: number;
  readonly routeFails: number;
  readonly routeHangs: number;
  /** Probing cannot begin. */
  readonly probingFails: number;
  /** Probing ends by itself; drawn at every probe. */
  readonly proberDies: number;
  /** A change on the host goes unreported. */
  readonly monitorMisses: number;
  readonly monitorFails: number;
  readonly meterFails: number;
  readonly meterHangs: number;
  /** How long an operation takes, drawn evenly. */
  readonly operationTime: readonly [least: Millis, most: Millis];
}

export const NO_FAULTS: Faults = {
  raiseFails: 0,
  lowerFails: 0,
  inspectFails: 0,
  hangs: 0,
  deaf: 0,
  halfHappens: 0,
  throws: 0,
  routeFails: 0,
  routeHangs: 0,
  probingFails: 0,
  proberDies: 0,
  monitorMisses: 0,
  monitorFails: 0,
  meterFails: 0,
  meterHangs: 0,
  operationTime: [1, 50],
};

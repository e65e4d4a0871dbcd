import type { Row } from './row.js';
import { coldStart } from './rows/cold-start.js';
import { cuts } from './rows/cuts.js';
import { falseAlarms } from './rows/false-alarms.js';
import { healthySwitch } from './rows/healthy-switch.js';
import { interfaceDeleted, interfaceDown } from './rows/link-events.js';
import { peer } from './rows/peer.js';
import { probeCost } from './rows/probe-cost.js';
import { routeActive } from './rows/route-active.js';
import { thousandTunnels } from './rows/thousand-tunnels.js';

/** In the order of the table. */
export const ROWS: readonly Row[] = [
  cuts,
  peer,
  interfaceDeleted,
  interfaceDown,
  routeActive,
  healthySwitch,
  falseAlarms,
  coldStart,
  probeCost,
  thousandTunnels,
];

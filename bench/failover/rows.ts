import type { Row } from './row.js';
import { coldStart } from './rows/cold-start.js';
import { cuts } from './rows/cuts.js';
import { healthySwitch } from './rows/healthy-switch.js';
import { interfaceDeleted, interfaceDown } from './rows/link-events.js';
import { routeActive } from './rows/route-active.js';

/** In the order of the table. */
export const ROWS: readonly Row[] = [cuts, interfaceDeleted, interfaceDown, routeActive, healthySwitch, coldStart];

export {
  check,
  config,
  configProblem,
  index,
  liveness,
  preference,
  preferenceBody,
  problem,
  readiness,
} from './control.js';
export { address, addresses, health, tunnel, tunnels } from './gateway.js';
export { candidate, event, explanation, gap, history, historySample, logLine, logs, switchRecord } from './insight.js';
export { openapiDocument } from './openapi.js';
export { flow, flows, mapped, portBody, portMapping, ports, probe } from './ports.js';

import { err, ok, type Result } from 'neverthrow';
import { addressKind } from '../address.js';
import { checkFailover, checkHealth, checkOperation, checkRouting } from './agreement.js';
import { MAX_TEXT } from './bounds.js';
import { toExposure } from './exposure.js';
import { type Findings, inOrder, NOWHERE, problemAt } from './findings.js';
import { scanLines } from './lines.js';
import { readMappings } from './mappings.js';
import type { Config, ConfigProblem, CoreConfig, HealthPolicy, McpConfig } from './model.js';
import { RELAY_SETTINGS } from './relay-settings.js';
import { type Reading, readSettings } from './setting.js';
import {
  ABSENT_LAYERS,
  CORE_SETTINGS,
  EXPOSURE_SETTINGS,
  FAILOVER_SETTINGS,
  HEALTH_SETTINGS,
  type HealthValues,
  MCP_SETTINGS,
  OPERATION_SETTINGS,
  ROUTING_SETTINGS,
} from './settings.js';
import { readTunnels } from './tunnels.js';
import { unknownNames } from './unknown.js';

/**
 * Reads the text of a configuration file.
 *
 * Errs with everything that is wrong, by line, so that one look mends it all. Nothing in a text
 * that is accepted has been guessed at, widened or passed over: what will not do what its author
 * hopes is in `warnings`. Takes any text whatever and never throws.
 */
export function parseConfig(text: string): Result<Config, readonly ConfigProblem[]> {
  if (text.length > MAX_TEXT)
    return err([problemAt(NOWHERE, `the text has ${text.length} characters: a configuration has at most ${MAX_TEXT}`)]);
  const { sections, problems } = scanLines(text);
  const findings: Findings = { problems: [...problems, ...unknownNames(sections)], warnings: [] };

  readSettings(ABSENT_LAYERS, sections, findings);
  const core = readSettings(CORE_SETTINGS, sections, findings);
  const mcp = readSettings(MCP_SETTINGS, sections, findings);
  const exposure = readSettings(EXPOSURE_SETTINGS, sections, findings);
  const health = readSettings(HEALTH_SETTINGS, sections, findings);
  const failover = readSettings(FAILOVER_SETTINGS, sections, findings);
  const operation = readSettings(OPERATION_SETTINGS, sections, findings);
  const routing = readSettings(ROUTING_SETTINGS, sections, findings);
  const relay = readSettings(RELAY_SETTINGS, sections, findings);
  const tunnels = readTunnels(sections, findings);

  checkApi(core, findings);
  checkMcp(mcp, core, findings);
  const exposed = toExposure(exposure, findings);
  const mappings = readMappings(
    sections,
    { mode: exposed.mode, apiPort: core.values.apiPort, socksPort: exposed.socks5.port },
    findings,
  );
  checkHealth(health, findings);
  checkFailover(failover, findings);
  checkOperation(operation, findings);
  checkRouting(routing, tunnels.length, findings);

  if (findings.problems.length > 0) return err(inOrder(findings.problems));
  return ok({
    core: core.values,
    mcp: mcp.values,
    exposure: exposed,
    tunnels,
    health: toHealth(health.values),
    failover: failover.values,
    operation: operation.values,
    routing: routing.values,
    relay: relay.values,
    mappings,
    warnings: inOrder(findings.warnings),
  });
}

/** Whoever may use the API moves this host's routes, so other machines have to show a token. */
function checkApi({ values, places, unread }: Reading<CoreConfig>, findings: Findings): void {
  const { apiBind, apiTokenFile, apiSocket, apiSocketGroup } = values;
  if (apiSocketGroup !== null && apiSocket === null && !unread.has('apiSocket'))
    findings.problems.push(
      problemAt(
        places.apiSocketGroup ?? NOWHERE,
        `"${apiSocketGroup}" is to use a socket that there is not: set api_socket`,
      ),
    );
  if (addressKind(apiBind) === 'loopback' || unread.has('apiTokenFile')) return;
  const place = places.apiBind ?? NOWHERE;
  if (apiTokenFile === null) {
    const problem = `"${apiBind}" opens the API to other machines, which needs api_token_file: name a file with a token they must show, or keep it on 127.0.0.1`;
    findings.problems.push(problemAt(place, problem));
    return;
  }
  const problem = `"${apiBind}" makes the API reachable from other machines, and tokens travel there in plain text: put a TLS proxy in front of 127.0.0.1, or keep to a network you trust`;
  findings.warnings.push(problemAt(place, problem));
}

/** Two servers cannot have one socket. */
function checkMcp({ values, places }: Reading<McpConfig>, core: Reading<CoreConfig>, findings: Findings): void {
  if (values.enabled && values.socket === core.values.apiSocket)
    findings.problems.push(
      problemAt(
        places.socket ?? core.places.apiSocket ?? NOWHERE,
        `"${values.socket}" is the socket of the API already`,
      ),
    );
}

function toHealth({ deadlineMin, deadlineMax, window, slot, ...rest }: HealthValues): HealthPolicy {
  return { ...rest, deadline: { min: deadlineMin, max: deadlineMax }, window: { slots: window / slot, slot } };
}

import type { Server } from 'node:net';
import type { Config, Gateway, Insight, Millis } from '@hurricane/core';
import { MUTATION_RATE, Rate } from '@hurricane/http';
import { type BindOptions, describeListenError, type ListenError } from '@hurricane/http/node';
import { type McpHttp, mcpHttp, mcpSocketServer, type OfferOptions } from '@hurricane/mcp/node';
import type { ResultAsync } from 'neverthrow';
import type { Log } from './log.js';
import { mcpPlaces } from './mcp-places.js';

/** The MCP server of a running daemon. */
export interface Mcp {
  /** Where it listens; null: it could not, and the log says why. */
  readonly place: string | null;
  close(limit: Millis): Promise<void>;
}

export interface McpOptions {
  readonly config: Config;
  readonly gateway: Gateway;
  readonly insight: Insight;
  readonly version: string;
  readonly log: Log;
  readonly bind: (server: Server, options: BindOptions) => ResultAsync<string, ListenError>;
}

/** Nobody listens on it: the gateway does not depend on being looked at. */
const NOWHERE: Mcp = { place: null, close: () => Promise.resolve() };

/** Begins to listen where the configuration says. Where that fails, the log says why, and the gateway goes on. */
export async function openMcp(options: McpOptions): Promise<Mcp> {
  const { config, log, bind } = options;
  if (!config.mcp.enabled) return NOWHERE;
  const onDefect = defectsOf(log);
  const server = mcpSocketServer({ ...offerOf(options), onDefect });
  let first: ListenError | null = null;
  for (const path of mcpPlaces(config.mcp.socket)) {
    const bound = await bind(server.server, { path, mode: 0o600, onDefect });
    if (bound.isOk()) {
      log.log('info', `MCP server listens on ${bound.value}`);
      return { place: bound.value, close: (limit) => server.close(limit).then(() => undefined) };
    }
    first ??= bound.error;
    // Somebody else's socket is no reason to look for another place: two gateways would take turns unnoticed.
    if (bound.error.kind !== 'socket_not_permitted') break;
  }
  if (first !== null) log.log('error', `There is no MCP server ([mcp] socket): ${describeListenError(first)}`);
  return NOWHERE;
}

/** What the API shows at `/mcp`; null: nothing. */
export function mcpOverHttp(options: Omit<McpOptions, 'bind'>): McpHttp | null {
  const { enabled, http } = options.config.mcp;
  return enabled && http ? mcpHttp({ ...offerOf(options), onDefect: defectsOf(options.log) }) : null;
}

function offerOf({ config, gateway, insight, version, log }: Omit<McpOptions, 'bind'>): OfferOptions {
  if (!config.mcp.allowControl) return { gateway, insight, version };
  // All that come the same way are one client: MCP says nothing of who they are that it could be told apart by.
  const rate = new Rate(MUTATION_RATE, 1, () => performance.now());
  const control = (line: string): void => log.log('info', line);
  return { gateway, insight, version, control, changePace: () => rate.take('mcp') };
}

const defectsOf =
  (log: Log) =>
  (defect: unknown): void => {
    const said = defect instanceof Error ? defect.message : String(defect);
    log.log('error', `The MCP server met a defect: ${said}`);
  };

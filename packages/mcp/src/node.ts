import type { McpLimits } from './limits.js';
import type { OfferOptions } from './offer.js';
import { McpSocketServer } from './socket-server.js';

export { MCP_LIMITS, type McpLimits } from './limits.js';
export type { OfferOptions } from './offer.js';
export { McpSocketServer } from './socket-server.js';
export type { GatewaySource, InsightSource, Sources } from './sources.js';
export type { Audit, ChangePace } from './tools/control-tools.js';

export interface McpSocketOptions extends OfferOptions {
  readonly limits?: Partial<McpLimits>;
  /** Told what went wrong in the server itself. Should log it. */
  readonly onDefect: (defect: unknown) => void;
}

/**
 * An MCP server for a Unix socket. It does not listen yet: bind its `server` where only those can connect who may
 * (`bindPrivately` of `@hurricane/http/node` does). The SDK and the tables are loaded for the first client.
 */
export function mcpSocketServer(options: McpSocketOptions): McpSocketServer {
  const { limits = {}, onDefect } = options;
  const load = async (): ReturnType<ConstructorParameters<typeof McpSocketServer>[0]['load']> => {
    const { sessionsOf } = await import('./session.js');
    return sessionsOf(options);
  };
  return new McpSocketServer({ load, limits, onDefect });
}

/** What answers MCP over HTTP. */
export interface McpHttp {
  /** Never rejects. Whoever may ask has been decided before. */
  readonly fetch: (request: Request) => Promise<Response>;
  close(): Promise<void>;
}

/** The same over Streamable HTTP, for mounting behind a guard. Loaded for the first request. */
export function mcpHttp(options: McpSocketOptions): McpHttp {
  let loading: Promise<McpHttp> | null = null;
  return {
    fetch: async (request) => {
      loading ??= import('./http-handler.js').then(({ httpHandler }) => httpHandler(options));
      try {
        return await (await loading).fetch(request);
      } catch (defect) {
        loading = null;
        options.onDefect(defect);
        return new Response(null, { status: 500 });
      }
    },
    close: async () => {
      await (await loading?.catch(() => null))?.close();
    },
  };
}

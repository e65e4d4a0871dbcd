import type { Server } from '@modelcontextprotocol/server';
import { gatewayOffer, type OfferOptions } from './offer.js';
import { type Era, liveServer } from './sdk-v2.js';
import { Updates } from './updates.js';

export { Dispatcher, type RpcFault, type ToolResult } from './dispatcher.js';
export type {
  ControlReport,
  DiagnosisReport,
  EventsReport,
  HistoryReport,
  HistorySummary,
  MappedReport,
  ProbeTallyRow,
  Spread,
} from './documents.js';
export type { InputSchema, JsonSchema, Property } from './json-schema.js';
export { gatewayOffer, type Offer, type OfferOptions } from './offer.js';
export type { Prompt, PromptArgument } from './prompt.js';
export type { Contents, Resource, ResourceTemplate } from './resource.js';
export type { GatewaySource, InsightSource, Sources } from './sources.js';
export type { Annotations, Call, Reply, Tool, ToolAnswer } from './tool.js';
export { describeToolError, type ToolError } from './tool-error.js';

export interface McpServerOptions extends OfferOptions {
  /** Default `legacy`: `Server.connect` of the SDK speaks that. With `serveStdio`, hand on what its factory is told. */
  readonly era?: Era;
  /** Told what went wrong in the server itself. Should log it. */
  readonly onDefect: (defect: unknown) => void;
}

/**
 * An MCP server that shows a gateway, for a transport of your own.
 *
 * @example
 * ```ts
 * import { serveStdio } from '@modelcontextprotocol/server/stdio';
 *
 * serveStdio(({ era }) => createMcpServer({ gateway, insight, version: '1.0.0', era, onDefect: console.error }));
 * ```
 */
export function createMcpServer(options: McpServerOptions): Server {
  const { era = 'legacy', onDefect } = options;
  const live = liveServer({ offer: gatewayOffer(options), era, onDefect });
  const updates = new Updates(options.insight);
  const letGo = updates.listen((changed) => live.tell(changed));
  live.server.onclose = letGo;
  return live.server;
}

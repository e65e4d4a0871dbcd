import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  type ServerNotification,
  type ServerRequest,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { Result } from 'neverthrow';
import { Dispatcher, type RpcFault } from './dispatcher.js';
import { gatewayOffer, type Offer, type OfferOptions } from './offer.js';
import type { Call } from './tool.js';
import { Updates } from './updates.js';

export type { OfferOptions } from './offer.js';

export interface SdkV1Options extends OfferOptions {
  /** Told what went wrong in the server itself. Should log it. */
  readonly onDefect: (defect: unknown) => void;
}

/**
 * An MCP server that shows a gateway, made with `@modelcontextprotocol/sdk` 1.x: for programs that are on that line,
 * which speaks revisions up to 2025-11-25. The tables behind it are those of `createMcpServer`.
 */
export function createSdkV1Server(options: SdkV1Options): Server {
  const { onDefect } = options;
  const offer = gatewayOffer(options);
  const server = serverOf(offer);
  const dispatcher = new Dispatcher({ offer, onDefect });
  answerTools(server, dispatcher);
  answerPrompts(server, dispatcher);
  const followed = answerResources(server, dispatcher);
  const updates = new Updates(options.insight);
  const send = (sending: Promise<void>): void => void sending.catch(onDefect);
  const letGo = updates.listen(({ uris, listed }) => {
    if (server.transport === undefined) return;
    for (const uri of uris) if (followed.has(uri)) send(server.sendResourceUpdated({ uri }));
    if (listed) send(server.sendResourceListChanged());
  });
  server.onclose = letGo;
  return server;
}

function serverOf({ name, title, version, instructions }: Offer): Server {
  return new Server(
    { name, title, version },
    {
      instructions,
      capabilities: {
        tools: {},
        resources: { subscribe: true, listChanged: true },
        prompts: {},
        completions: {},
      },
    },
  );
}

function answerTools(server: Server, dispatcher: Dispatcher): void {
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => answered(dispatcher.listTools(params?.cursor)));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) =>
    answered(await dispatcher.callTool(params.name, params.arguments, callOf(extra))),
  );
}

function answerPrompts(server: Server, dispatcher: Dispatcher): void {
  server.setRequestHandler(ListPromptsRequestSchema, ({ params }) => answered(dispatcher.listPrompts(params?.cursor)));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }, request) =>
    answered(dispatcher.getPrompt(params.name, params.arguments, request)),
  );
  server.setRequestHandler(CompleteRequestSchema, ({ params }) =>
    answered(dispatcher.complete(params.ref, params.argument)),
  );
}

/** The addresses that the client follows. */
function answerResources(server: Server, dispatcher: Dispatcher): ReadonlySet<string> {
  const followed = new Set<string>();
  server.setRequestHandler(ListResourcesRequestSchema, ({ params }) =>
    answered(dispatcher.listResources(params?.cursor)),
  );
  server.setRequestHandler(ListResourceTemplatesRequestSchema, ({ params }) =>
    answered(dispatcher.listTemplates(params?.cursor)),
  );
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => answered(dispatcher.readResource(params.uri)));
  server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) => {
    answered(dispatcher.readResource(uri));
    followed.add(uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    followed.delete(uri);
    return {};
  });
  return followed;
}

function callOf(request: RequestHandlerExtra<ServerRequest, ServerNotification>): Call {
  const { signal, _meta, sendNotification } = request;
  const token = _meta?.progressToken;
  return {
    signal,
    request,
    progress: async (progress, total, message) => {
      if (token === undefined || signal.aborted) return;
      const params = { progressToken: token, progress, total, message };
      // Whoever has gone is not told; the transport says so elsewhere.
      await sendNotification({ method: 'notifications/progress', params }).catch(() => undefined);
    },
  };
}

/** What the SDK takes: a result, or something thrown. Its types of results may be changed by their owner; ours not. */
function answered<Wanted>(result: Result<object, RpcFault>): Wanted {
  if (result.isOk()) return result.value as Wanted;
  const { code, message, data } = result.error;
  throw new McpError(code, message, data);
}

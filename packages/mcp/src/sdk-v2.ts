import type { Millis } from '@hurricane/core';
import {
  ProtocolError,
  type ServerOptions as SdkOptions,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Result } from 'neverthrow';
import { Dispatcher, type RpcFault } from './dispatcher.js';
import type { Offer } from './offer.js';
import type { Changed } from './resources.js';
import type { Call } from './tool.js';

/** `legacy`: revisions with `initialize`, up to 2025-11-25. `modern`: those with `_meta`, from 2026-07-28. */
export type Era = 'legacy' | 'modern';

export interface ServerOptions {
  readonly offer: Offer;
  readonly era: Era;
  /** Told what went wrong here. Should log it. */
  readonly onDefect: (defect: unknown) => void;
}

/** A server of the SDK, and the way to tell its client what has changed. */
export interface LiveServer {
  readonly server: Server;
  tell(changed: Changed): void;
}

/** Resources that one client can follow at once: more than there are tunnels. */
const FOLLOWED_AT_MOST = 1_024;

/** Lists change with a reload at most, and then the client is told. */
const LISTS_LAST: Millis = 60_000;

/** Puts an offer behind the SDK's server, which knows the protocol; the answers are the {@link Dispatcher}'s. */
export function liveServer(options: ServerOptions): LiveServer {
  const { offer, era, onDefect } = options;
  const dispatcher = new Dispatcher({ offer, onDefect });
  const { name, title, version, instructions } = offer;
  const server = new Server(
    { name, title, version },
    {
      instructions,
      capabilities: {
        tools: {},
        resources: { subscribe: true, listChanged: true },
        prompts: {},
        completions: {},
        ...offer.sdk?.capabilities,
      },
      cacheHints: cacheHintsOf(offer),
      ...(offer.sdk === undefined ? {} : { requestState: offer.sdk.requestState }),
    },
  );
  answerTools(server, dispatcher);
  answerResources(server, dispatcher);
  answerPrompts(server, dispatcher);
  const followed = era === 'legacy' ? followResources(server, dispatcher) : null;
  const send = (sending: Promise<void>): void => void sending.catch(onDefect);
  return {
    server,
    tell: ({ uris, listed }) => {
      // In the modern era the SDK knows who asked for what, and passes on no more.
      for (const uri of uris) if (followed?.has(uri) ?? true) send(server.sendResourceUpdated({ uri }));
      if (listed) send(server.sendResourceListChanged());
    },
  };
}

function answerTools(server: Server, dispatcher: Dispatcher): void {
  server.setRequestHandler('tools/list', ({ params }) => answered(dispatcher.listTools(params?.cursor)));
  server.setRequestHandler('tools/call', async ({ params }, context) =>
    answered(await dispatcher.callTool(params.name, params.arguments, callOf(context))),
  );
}

function answerResources(server: Server, dispatcher: Dispatcher): void {
  server.setRequestHandler('resources/list', ({ params }) => answered(dispatcher.listResources(params?.cursor)));
  server.setRequestHandler('resources/templates/list', ({ params }) =>
    answered(dispatcher.listTemplates(params?.cursor)),
  );
  server.setRequestHandler('resources/read', ({ params }) => answered(dispatcher.readResource(params.uri)));
}

function answerPrompts(server: Server, dispatcher: Dispatcher): void {
  server.setRequestHandler('prompts/list', ({ params }) => answered(dispatcher.listPrompts(params?.cursor)));
  server.setRequestHandler('prompts/get', ({ params }, request) =>
    answered(dispatcher.getPrompt(params.name, params.arguments, request)),
  );
  server.setRequestHandler('completion/complete', ({ params }) =>
    answered(dispatcher.complete(params.ref, params.argument)),
  );
}

/** Subscriptions of the legacy era, by their addresses. */
function followResources(server: Server, dispatcher: Dispatcher): ReadonlySet<string> {
  const followed = new Set<string>();
  server.setRequestHandler('resources/subscribe', ({ params: { uri } }) => {
    answered(dispatcher.readResource(uri));
    if (followed.size < FOLLOWED_AT_MOST) followed.add(uri);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    followed.delete(uri);
    return {};
  });
  return followed;
}

function callOf(request: ServerContext): Call {
  const { mcpReq } = request;
  const token = mcpReq._meta?.progressToken;
  return {
    signal: mcpReq.signal,
    request,
    progress: async (progress, total, message) => {
      if (token === undefined || mcpReq.signal.aborted) return;
      const params = { progressToken: token, progress, total, message };
      // Whoever has gone is not told; the transport says so elsewhere.
      await mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
    },
  };
}

/**
 * What the SDK takes: a result, or something thrown. Its types of results may be changed by their owner, which is
 * the one thing that ours do not say.
 */
function answered<Wanted>(result: Result<object, RpcFault>): Wanted {
  if (result.isOk()) return result.value as Wanted;
  const { code, message, data } = result.error;
  throw new ProtocolError(code, message, data);
}

/** What is read changes with the next probe. Nothing here is for shared caches. */
function cacheHintsOf({ freshFor }: Offer): NonNullable<SdkOptions['cacheHints']> {
  const lasting = { ttlMs: LISTS_LAST, cacheScope: 'private' } as const;
  return {
    'tools/list': lasting,
    'prompts/list': lasting,
    'resources/list': lasting,
    'resources/templates/list': lasting,
    'resources/read': { ttlMs: freshFor, cacheScope: 'private' },
    'server/discover': lasting,
  };
}

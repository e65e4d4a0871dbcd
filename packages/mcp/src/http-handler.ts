import { createMcpHandler } from '@modelcontextprotocol/server';
import type { McpHttp } from './node.js';
import { gatewayOffer, type Offer, type OfferOptions } from './offer.js';
import { liveServer } from './sdk-v2.js';
import { Updates } from './updates.js';

/** Streams of notifications that are open at once; as many as followers of the REST API's events. */
const STREAMS_AT_MOST = 64;

interface HandlerOptions extends OfferOptions {
  readonly onDefect: (defect: unknown) => void;
}

/** Both eras, each request by itself: nothing is remembered between two of them. */
export function httpHandler(options: HandlerOptions): McpHttp {
  return httpHandlerWith(gatewayOffer(options), new Updates(options.insight), options.onDefect);
}

/** The same for any offer. */
export function httpHandlerWith(offer: Offer, updates: Updates, onDefect: (defect: unknown) => void): McpHttp {
  const handler = createMcpHandler(({ era }) => liveServer({ offer, era, onDefect }).server, {
    maxSubscriptions: STREAMS_AT_MOST,
  });
  const letGo = updates.listen(({ uris, listed }) => {
    for (const uri of uris) handler.notify.resourceUpdated(uri);
    if (listed) handler.notify.resourcesChanged();
  });
  return {
    fetch: (request) => handler.fetch(request),
    close: async () => {
      letGo();
      await handler.close();
    },
  };
}

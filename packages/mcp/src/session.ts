import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { gatewayOffer, type Offer, type OfferOptions } from './offer.js';
import { QuickCalls } from './quick-calls.js';
import { QuickReplies } from './quick-replies.js';
import { liveServer } from './sdk-v2.js';
import type { OpenSession } from './socket-server.js';
import { SocketTransport } from './socket-transport.js';
import { Updates } from './updates.js';

/** Streams of notifications of one client of the modern era; one can follow all there is. */
const SUBSCRIPTIONS_AT_MOST = 64;

/** What is loaded with the first client: the SDK, and the tables. */
export interface SessionOptions extends OfferOptions {
  readonly onDefect: (defect: unknown) => void;
}

export function sessionsOf(options: SessionOptions): OpenSession {
  return sessionsWith(gatewayOffer(options), new Updates(options.insight), options.onDefect);
}

/** The same for any offer. Each client has a server of its own: the SDK's knows one connection only. */
export function sessionsWith(offer: Offer, updates: Updates, onDefect: (defect: unknown) => void): OpenSession {
  const replies = new QuickReplies(offer);
  return (socket, limits) => {
    let letGo: () => void = () => undefined;
    const handle = serveStdio(
      ({ era }) => {
        // A client that asks with `server/discover` and then goes back to `initialize` gets a second one.
        letGo();
        const live = liveServer({ offer, era, onDefect });
        letGo = updates.listen((changed) => live.tell(changed));
        return live.server;
      },
      {
        transport: new SocketTransport(socket, limits, new QuickCalls(replies)),
        maxSubscriptions: SUBSCRIPTIONS_AT_MOST,
      },
    );
    socket.once('close', () => letGo());
    return { close: () => void handle.close().catch(onDefect) };
  };
}

import type { Context } from 'hono';
import type { EventLimits } from './event-streams.js';
import type { Arrival } from './guard.js';
import type { Sources } from './sources.js';

export interface AppOptions extends Sources {
  /** Shown at `/`. */
  readonly version: string;
  /**
   * Names this gateway may be asked by, beside the loopback ones and the address a request came to:
   * `gateway.lan` goes with the listening port or none, `gateway.lan:8443` with exactly that.
   */
  readonly trustedHosts?: readonly string[];
  /** Told what was thrown whenever a client got a 500. Should log it. */
  readonly onDefect: (defect: unknown) => void;
  /** Once aborted, streams of events end and no further ones begin, so that a server can close. */
  readonly stop?: AbortSignal;
  /** Replaces some of `EVENT_LIMITS`. */
  readonly eventLimits?: Partial<EventLimits>;
}

/** What a server may tell the app beside the request; `serve` of the `./node` entry does. */
export interface AppEnv {
  Bindings: { readonly arrival?: Arrival };
}

/** Answers one operation. Never throws. */
export type Responder = (c: Context<AppEnv>) => Response | Promise<Response>;

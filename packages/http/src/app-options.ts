import type { Context } from 'hono';
import type { AccessOptions } from './admission.js';
import type { EventLimits } from './event-streams.js';
import type { Arrival } from './guard.js';
import type { Metrics } from './metrics.js';
import type { Sources } from './sources.js';

export interface AppOptions extends Sources, AccessOptions {
  /** Shown at `/`. */
  readonly version: string;
  /** Told what was thrown whenever a client got a 500. Should log it. */
  readonly onDefect: (defect: unknown) => void;
  /** What `/metrics` shows, and where the time of every answer is counted. */
  readonly metrics?: Pick<Metrics, 'text' | 'countAnswer'>;
  /**
   * What answers at `/mcp`, behind the same gate as everything else, but for the rate of changes: which of its requests
   * are changes, only it knows, and it has to count them. Left out: there is no such path.
   */
  readonly mcp?: (request: Request) => Promise<Response>;
  /** Once aborted, streams of events end and no further ones begin, so that a server can close. */
  readonly stop?: AbortSignal;
  /** Replaces some of `EVENT_LIMITS`. */
  readonly eventLimits?: Partial<EventLimits>;
}

/** What a server may tell the app beside the request; `serve` of the `./node` entry does. */
export interface AppEnv {
  Bindings: { readonly arrival?: Arrival };
  /** `operation`: which one was found, for whoever counts. */
  Variables: { operation?: string };
}

/** Answers one operation. Never throws. */
export type Responder = (c: Context<AppEnv>) => Response | Promise<Response>;

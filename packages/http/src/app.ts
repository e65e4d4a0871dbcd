import type { GatewayStatus } from '@hurricane/core';
import type { Handler } from 'hono';
import { basePath } from 'hono/route';
import { Hono } from 'hono/tiny';
import { fromThrowable } from 'neverthrow';
import { type AccessOptions, admission } from './admission.js';
import { documentAnswer, problemAnswer, toResponse } from './answers.js';
import { ENDPOINTS, type Endpoint } from './endpoints.js';
import type { Arrival } from './guard.js';

/** All that the API asks of a gateway. A `Gateway` has it. */
export interface StatusSource {
  /** What is true now. Must not wait. */
  status(): GatewayStatus;
}

export interface AppOptions extends AccessOptions {
  readonly gateway: StatusSource;
  /** Shown at `/`. */
  readonly version: string;
  /** Told what was thrown whenever a client got a 500. Should log it. */
  readonly onDefect: (defect: unknown) => void;
}

/** What a server may tell the app beside the request; `serve` of the `./node` entry does. */
export interface AppEnv {
  Bindings: { readonly arrival?: Arrival };
}

export type GatewayApp = Hono<AppEnv>;

/** Every path is read only: HEAD is GET without the body. */
const READ_METHODS: readonly string[] = ['GET', 'HEAD'];

/**
 * The REST API as a Hono app. Answers from the gateway's state and never waits for anything.
 *
 * Everything below where it is mounted is its own: other paths get its 404, and every request
 * passes its guard.
 *
 * @example
 * ```ts
 * const api = createApp({ gateway, version: '1.0.0', onDefect: console.error });
 * site.route('/gateway', api); // GET /gateway/health
 * ```
 */
export function createApp(options: AppOptions): GatewayApp {
  const app: GatewayApp = new Hono<AppEnv>();
  app.use('*', admission(options));
  offer(app, '/', (c) => {
    const document = { service: 'v6-gatewayd', version: options.version, endpoints: pathsBelow(basePath(c)) };
    return toResponse(documentAnswer(document));
  });
  for (const endpoint of ENDPOINTS) offer(app, endpoint.path, documentHandler(endpoint, options));
  app.all('*', (c) => {
    const endpoints = [basePath(c), ...pathsBelow(basePath(c))];
    return toResponse(problemAnswer({ kind: 'not_found', path: c.req.path, endpoints }));
  });
  app.onError((defect) => defectResponse(defect, options));
  return app;
}

/** Answers GET and HEAD with `handler`, with or without a slash at the end, and refuses all other methods. */
function offer(app: GatewayApp, path: string, handler: Handler<AppEnv>): void {
  for (const spelling of path === '/' ? [path] : [path, `${path}/`]) {
    app.get(spelling, handler);
    app.all(spelling, (c) =>
      toResponse(problemAnswer({ kind: 'method_not_allowed', method: c.req.method, allowed: READ_METHODS })),
    );
  }
}

function documentHandler(endpoint: Endpoint, options: AppOptions): Handler<AppEnv> {
  // The gateway is foreign code here: what it throws, an Error or not, becomes a value at this seam.
  const read = fromThrowable(
    () => documentAnswer(endpoint.view(options.gateway.status())),
    (defect: unknown) => defect,
  );
  return () => read().match(toResponse, (defect) => defectResponse(defect, options));
}

function defectResponse(defect: unknown, options: AppOptions): Response {
  // A reporter that throws has nobody left to report to; the client is answered all the same.
  fromThrowable(options.onDefect)(defect).unwrapOr(undefined);
  return toResponse(problemAnswer({ kind: 'defect' }));
}

/** @param base where the app is mounted: `/` when it is on its own. */
function pathsBelow(base: string): readonly string[] {
  const prefix = base.replace(/\/$/, '');
  return ENDPOINTS.map((endpoint) => `${prefix}${endpoint.path}`);
}

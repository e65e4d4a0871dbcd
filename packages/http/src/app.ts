import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { basePath } from 'hono/route';
import { accepts } from './accept.js';
import { admission } from './admission.js';
import { defectResponse, documentAnswer, refuse, toResponse } from './answers.js';
import type { ApiSchema } from './api.js';
import type { AppEnv, AppOptions, Responder } from './app-options.js';
import { OPERATION_ROWS, type Operation, type OperationId, PATHS } from './operations.js';
import { type QuickReads, quickReads } from './quick-reads.js';
import { responders } from './respond.js';

/** `quick`: how `serve` answers the plainest requests without going through the app. */
export type GatewayApp = Hono<AppEnv, ApiSchema, '/'> & { readonly quick: QuickReads };

type Row = Operation & { readonly id: OperationId | 'getIndex' };

/**
 * The REST API as a Hono app. Reads answer from the gateway's state and never wait for anything.
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
  const app = Object.assign(new Hono<AppEnv, ApiSchema, '/'>(), { quick: quickReads(options) });
  if (options.metrics !== undefined) app.use('*', timing(options.metrics));
  app.use('*', admission(options));
  const index: Row = { id: 'getIndex', method: 'GET', path: '/', produces: 'application/json' };
  offer(app, '/', [[index, (c) => toResponse(documentAnswer(indexOf(c, options)))]]);
  const answering = responders(options);
  for (const path of PATHS) {
    const rows = OPERATION_ROWS.filter((row) => row.path === path);
    offer(
      app,
      path,
      rows.map((row) => [row, answering(row.id)]),
    );
  }
  const { mcp } = options;
  if (mcp !== undefined) app.all('/mcp', (c) => mcp(c.req.raw));
  app.all('*', (c) => refuse({ kind: 'not_found', path: c.req.path, endpoints: [basePath(c), ...pathsBelow(c)] }));
  app.onError((defect) => defectResponse(defect, options));
  return app;
}

/** Answers what is offered at a path, with or without a slash at the end, and refuses all other methods. */
function offer(app: GatewayApp, path: string, offered: readonly (readonly [Row, Responder])[]): void {
  const route = path.replaceAll(/\{(\w+)\}/g, ':$1');
  const allowed = offered.flatMap(([{ method }]) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const respond: Responder = (c) => {
    const { method } = c.req;
    const found = offered.find(([row]) => row.method === method || (method === 'HEAD' && row.method === 'GET'));
    if (found === undefined) return refuse({ kind: 'method_not_allowed', method, allowed });
    const [{ id, produces }, responder] = found;
    c.set('operation', id);
    if (!accepts(c.req.header('accept') ?? null, produces))
      return refuse({ kind: 'not_acceptable', offered: produces });
    return responder(c);
  };
  for (const spelling of path === '/' ? [route] : [route, `${route}/`]) app.all(spelling, respond);
}

/** Around everything else, so that what is refused is counted, too. */
function timing(metrics: NonNullable<AppOptions['metrics']>): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const started = performance.now();
    await next();
    metrics.countAnswer(c.get('operation') ?? 'none', c.res.status, (performance.now() - started) / 1_000);
  };
}

function indexOf(c: Context<AppEnv>, { version }: AppOptions): object {
  return { service: 'v6-gatewayd', version, endpoints: pathsBelow(c) };
}

/** Where the app is mounted is part of its paths. */
function pathsBelow(c: Context<AppEnv>): readonly string[] {
  const prefix = basePath(c).replace(/\/$/, '');
  return PATHS.map((path) => `${prefix}${path}`);
}

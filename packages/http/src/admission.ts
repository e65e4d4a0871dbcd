import type { Millis } from '@hurricane/core';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { basePath } from 'hono/route';
import { problemAnswer, toResponse } from './answers.js';
import type { AppEnv } from './app-options.js';
import { type Arrival, isSocket, refusalOf, type Trusted } from './guard.js';
import type { ApiProblem } from './problems.js';
import { Rate, type RateLimit } from './rate.js';

/** Who may use the API, and how much of it. Every part has a default. */
export interface AccessOptions {
  /**
   * Names this gateway may be asked by, beside the loopback ones and the address a request came to:
   * `gateway.lan` goes with the listening port or none, `gateway.lan:8443` with exactly that.
   */
  readonly trustedHosts?: readonly string[];
  /** Origins whose pages may use the API, exactly as browsers write them. Default: none. */
  readonly allowOrigins?: readonly string[];
  /** What clients must show that come by TCP. Default: nothing. */
  readonly token?: TokenRule;
  /** Default: {@link MUTATION_RATE}. */
  readonly mutationRate?: RateLimit;
  /** Default: the monotonic clock. */
  readonly now?: () => Millis;
}

export interface TokenRule {
  /** Whether that is the token. Must take the same time for every text of its length. */
  readonly matches: (presented: string) => boolean;
  /** Whether reads need it as well. Must be true where other machines can ask. */
  readonly forReads: boolean;
}

/** Bytes of a request's body: a configuration to check is the largest there is, and 64 KiB of it are 500 tunnels. */
export const MAX_BODY = 65_536;

/** A script that sets up its port mappings at start asks for dozens at once; nobody asks for hundreds by hand. */
export const MUTATION_RATE: RateLimit = { burst: 60, perSecond: 10 };

/** Clients told apart at once, at about 150 bytes each. */
export const RATED_CLIENTS = 1_024;

/** Reads that show more than how the tunnels are. With a token configured they need it, as changes do. */
const PRIVATE_READS: readonly string[] = ['/config', '/logs'];

/** A POST there is no change, most of the time: what stands behind it counts those that are. */
const COUNTS_ITSELF = '/mcp';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Fetch, "CORS protocol": what pages of allowed origins may send and read beside the simple fields. */
const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const ALLOWED_FIELDS = 'authorization, content-type, last-event-id';
const EXPOSED_FIELDS = 'allow, retry-after, www-authenticate';
/** Seconds a browser may remember a permission: so long a withdrawn one may go on. */
const PREFLIGHT_AGE = '600';

/**
 * The one gate that every request passes, whatever its path: who may ask at all (Host, Origin), who
 * may change things (token), how fast, and how much may be sent. In this order, so that a stranger
 * costs nothing and learns nothing.
 */
export function admission(options: AccessOptions): MiddlewareHandler<AppEnv> {
  const trusted: Trusted = {
    hosts: new Set(options.trustedHosts?.map((name) => name.toLowerCase())),
    origins: new Set(options.allowOrigins?.map((origin) => origin.toLowerCase())),
  };
  const rate = new Rate(options.mutationRate ?? MUTATION_RATE, RATED_CLIENTS, options.now ?? (() => performance.now()));
  const limitBody = bodyLimit({
    maxSize: MAX_BODY,
    onError: () => refuse({ kind: 'body_too_large', limitBytes: MAX_BODY }),
  });
  return async (c, next) => {
    const approach = approachOf(c);
    const page = trustedPage(approach.origin, trusted);
    const refusal = refusalOf(approach, trusted);
    if (refusal !== null) return withPermission(refuse(refusal), page, trusted);
    if (page !== null && isPreflight(c)) return preflight(c, page);
    const problem = tokenProblem(c, approach.arrival, options.token) ?? rateProblem(c, approach.arrival, rate);
    if (problem !== null) return withPermission(refuse(problem), page, trusted);
    // `Request` has no body with GET and HEAD: on Node the parser passes over what is sent all the same.
    if (trusted.origins.size === 0 && READS.has(c.req.method)) return next();
    const tooLarge = await limitBody(c, async () => {
      await next();
    });
    if (tooLarge !== undefined) return withPermission(tooLarge, page, trusted);
    for (const [name, value] of permission(page, trusted)) c.header(name, value, { append: name === 'vary' });
    return undefined;
  };
}

const refuse = (problem: ApiProblem): Response => toResponse(problemAnswer(problem));

function tokenProblem(c: Context<AppEnv>, arrival: Arrival | null, rule: TokenRule | undefined): ApiProblem | null {
  // Whoever may open the socket's file has shown enough.
  if (rule === undefined || isSocket(arrival)) return null;
  if (READS.has(c.req.method) && !rule.forReads && !isPrivate(c)) return null;
  const field = c.req.header('authorization');
  if (field === undefined) return { kind: 'unauthorized', shown: 'nothing' };
  // RFC 9110 section 11.1: the scheme's name is case-insensitive.
  const presented = /^bearer +(\S+)$/i.exec(field)?.[1];
  if (presented === undefined) return { kind: 'unauthorized', shown: 'something_else' };
  return rule.matches(presented) ? null : { kind: 'unauthorized', shown: 'wrong_token' };
}

/** The path as the routes see it: percent signs decoded, and below where the app is mounted. */
function pathBelow(c: Context<AppEnv>): string {
  return c.req.path.slice(basePath(c).replace(/\/$/, '').length);
}

function isPrivate(c: Context<AppEnv>): boolean {
  const path = pathBelow(c);
  return PRIVATE_READS.some((read) => path === read || path.startsWith(`${read}/`));
}

function rateProblem(c: Context<AppEnv>, arrival: Arrival | null, rate: Rate): ApiProblem | null {
  if (READS.has(c.req.method) || pathBelow(c) === COUNTS_ITSELF) return null;
  const wait = rate.take(clientOf(arrival));
  return wait === 0 ? null : { kind: 'too_many_requests', waitSeconds: Math.max(1, Math.ceil(wait / 1_000)) };
}

/** One name for one client: an IPv6 network of 64 bits is what a single machine may own (RFC 7421). */
export function clientOf(arrival: Arrival | null): string {
  if (arrival === null) return 'unknown';
  if (isSocket(arrival)) return 'socket';
  const peer = arrival.peer?.toLowerCase() ?? 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(peer)?.[1];
  if (mapped !== undefined || !peer.includes(':')) return mapped ?? peer;
  const [before = '', after] = peer.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const zeros = after === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
}

function trustedPage(origin: string | null, trusted: Trusted): string | null {
  return origin !== null && trusted.origins.has(origin.toLowerCase()) ? origin : null;
}

function isPreflight(c: Context<AppEnv>): boolean {
  return c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined;
}

function preflight(c: Context<AppEnv>, origin: string): Response {
  // Private Network Access: what a page of the Internet needs to reach this machine.
  const inward = c.req.header('access-control-request-private-network') === 'true';
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': ALLOWED_METHODS,
      'access-control-allow-headers': ALLOWED_FIELDS,
      'access-control-max-age': PREFLIGHT_AGE,
      ...(inward ? { 'access-control-allow-private-network': 'true' } : {}),
      'cache-control': 'no-store',
      vary: 'Origin',
    },
  });
}

/** Never `*`, and never with cookies, which this API does not know. */
function permission(origin: string | null, trusted: Trusted): readonly (readonly [name: string, value: string])[] {
  if (trusted.origins.size === 0) return [];
  const always = ['vary', 'Origin'] as const;
  if (origin === null) return [always];
  return [always, ['access-control-allow-origin', origin], ['access-control-expose-headers', EXPOSED_FIELDS]];
}

/** @param answer one of ours, which says nothing of `vary`. */
function withPermission(answer: Response, origin: string | null, trusted: Trusted): Response {
  for (const [name, value] of permission(origin, trusted)) answer.headers.set(name, value);
  return answer;
}

function approachOf(c: Context<AppEnv>): Parameters<typeof refusalOf>[0] {
  // Without a server, as in `app.request(…)`, Hono leaves `env` undefined whatever its type says.
  const env: AppEnv['Bindings'] | undefined = c.env;
  return {
    url: c.req.url,
    host: c.req.header('host') ?? null,
    origin: c.req.header('origin') ?? null,
    fetchSite: c.req.header('sec-fetch-site') ?? null,
    arrival: env?.arrival ?? null,
  };
}

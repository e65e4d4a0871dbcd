import type { Millis } from '@hurricane/core';
import { fromThrowable, type Result } from 'neverthrow';
import { type Answer, documentAnswer, problemAnswer } from './answers.js';
import type { Answers, DocumentId } from './api.js';
import type { AppOptions } from './app-options.js';
import { type Arrival, isOurName, isSocket } from './guard.js';
import { HANDLERS } from './handlers.js';
import { DOCUMENT_LIFE } from './limits.js';
import { OPERATIONS } from './operations.js';
import type { GatewaySource } from './sources.js';

// Monitors, scripts and applications ask for the same few documents over and over. To make a `Request` and a
// `Response` for each, and to find its route, costs twice as much as all else that answering takes.

/** A request as Node's parser leaves it. */
export interface PlainRequest {
  readonly method?: string | undefined;
  /** The target, as it was sent. */
  readonly url?: string | undefined;
  /** Names and values by turns, as they were sent. */
  readonly rawHeaders: readonly string[];
}

/** The whole answer, or null: the request has to take the way through the app. Never throws. */
export type QuickReads = (request: PlainRequest, arrival: Arrival | null) => Answer | null;

/** Documents that are always there, and that nothing has to be told for. */
const QUICK = ['getHealth', 'getAddresses', 'getTunnels', 'getLiveness'] as const satisfies readonly DocumentId[];
type QuickId = (typeof QUICK)[number];

/** Fields that say nothing about who may ask, nor about what the answer is to be like. */
const HARMLESS: ReadonlySet<string> = new Set(['user-agent', 'accept-encoding', 'connection', 'cache-control']);

/**
 * Answers a plain GET by a program: no page's field (Origin, Fetch Metadata), no body, no wish for a media type, no
 * query, and `Host` once, with a name of this gateway. Everything else, and every doubt, is the app's, whose answer
 * to a plain request is the same byte by byte.
 */
export function quickReads(options: AppOptions): QuickReads {
  const { metrics, token, allowOrigins = [] } = options;
  const hosts = new Set(options.trustedHosts?.map((name) => name.toLowerCase()));
  const ids = new Map<string | undefined, QuickId>(QUICK.map((id) => [OPERATIONS[id].path, id]));
  // What has to be shown, and what answers say of origins, is for the app to see to.
  if (token?.forReads === true || allowOrigins.length > 0) return () => null;
  const made = remembering(
    options.gateway,
    fromThrowable((id: QuickId) => answerOf(id, options)),
  );
  return ({ method, url, rawHeaders }, arrival) => {
    const id = ids.get(url);
    if (id === undefined || method !== 'GET') return null;
    const host = onlyHost(rawHeaders);
    if (host === null || !(isSocket(arrival) || isOurName(host, arrival, hosts))) return null;
    const started = performance.now();
    const answer = made(id, started);
    if (answer !== null) metrics?.countAnswer(id, answer.status, (performance.now() - started) / 1_000);
    return answer;
  };
}

/** Made once for each state that the gateway is in, however many ask: most of them ask again before it changes. */
function remembering(
  gateway: GatewaySource,
  make: (id: QuickId) => Result<Answer | null, unknown>,
): (id: QuickId, now: Millis) => Answer | null {
  const made = new Map<QuickId, { readonly state: object; readonly answer: Answer; readonly until: Millis }>();
  return (id, now) => {
    const known = made.get(id);
    // Looked at before it is made: what changes meanwhile is made anew.
    const { state } = gateway;
    if (known !== undefined && known.state === state && now < known.until) return known.answer;
    const answer = make(id).unwrapOr(null);
    if (answer !== null && state !== undefined) made.set(id, { state, answer, until: now + DOCUMENT_LIFE });
    return answer;
  };
}

/** Null where a handler is not done at once: none of these is. */
function answerOf(id: QuickId, options: AppOptions): Answer | null {
  const outcome = HANDLERS[id](options, {});
  if ('then' in outcome) return null;
  return outcome.match<Answer>((document: Answers[typeof id]) => documentAnswer(document), problemAnswer);
}

/** The one Host, where nothing but it and harmless fields was sent. */
function onlyHost(fields: readonly string[]): string | null {
  let host: string | null = null;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    const value = fields[i + 1]!;
    if (name === 'host') {
      if (host !== null) return null;
      host = value;
    } else if (name === 'accept' ? value !== '*/*' : !HARMLESS.has(name)) return null;
  }
  return host;
}

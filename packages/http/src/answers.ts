import { fromThrowable } from 'neverthrow';
import { type ApiProblem, problemDocument, problemHeaders } from './problems.js';

/** One HTTP answer, before it is known what carries it: a `Response`, or bytes on a socket. */
export interface Answer {
  readonly status: number;
  /** The reason phrase. */
  readonly title: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * On every answer. The documents are JSON for programs: a browser is to guess no other type from
 * them, keep no copy, load nothing on their behalf, and show them in no frame and no image of
 * another origin. Only the origins that `admission` lets in get an `access-control-allow-*`.
 */
const ALWAYS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

const DOCUMENT_HEADERS: Readonly<Record<string, string>> = { 'content-type': 'application/json', ...ALWAYS };

export function documentAnswer(document: object, status: 200 | 202 = 200): Answer {
  return {
    status,
    title: status === 200 ? 'OK' : 'Accepted',
    headers: DOCUMENT_HEADERS,
    body: toText(document),
  };
}

export function problemAnswer(problem: ApiProblem): Answer {
  const document = problemDocument(problem);
  return {
    status: document.status,
    title: document.title,
    headers: { 'content-type': 'application/problem+json', ...ALWAYS, ...problemHeaders(problem) },
    body: toText(document),
  };
}

/** @param policy the page's Content-Security-Policy. */
export function pageAnswer(html: string, policy: string): Answer {
  const headers = { ...ALWAYS, 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy };
  return { status: 200, title: 'OK', headers, body: html };
}

/** @param text Prometheus' text format. */
export function metricsAnswer(text: string): Answer {
  const headers = { ...ALWAYS, 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
  return { status: 200, title: 'OK', headers, body: text };
}

/** @param stream null for HEAD. */
export function streamResponse(stream: ReadableStream<Uint8Array> | null): Response {
  // Proxies that gather an answer before they pass it on are asked not to (nginx, X-Accel-Buffering).
  const headers = { ...ALWAYS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
  return new Response(stream, { status: 200, headers });
}

export function toResponse(answer: Answer): Response {
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
}

export function refuse(problem: ApiProblem): Response {
  return toResponse(problemAnswer(problem));
}

export function defectResponse(defect: unknown, { onDefect }: { onDefect(defect: unknown): void }): Response {
  // A reporter that throws has nobody left to report to; the client is answered all the same.
  fromThrowable(onDefect)(defect).unwrapOr(undefined);
  return refuse({ kind: 'defect' });
}

/** The line end is for people who read the answer in a terminal. */
function toText(document: object): string {
  return `${JSON.stringify(document)}\n`;
}

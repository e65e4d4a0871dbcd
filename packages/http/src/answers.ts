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

export function documentAnswer(document: object): Answer {
  return {
    status: 200,
    title: 'OK',
    headers: { 'content-type': 'application/json', ...ALWAYS },
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

export function toResponse(answer: Answer): Response {
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
}

/** The line end is for people who read the answer in a terminal. */
function toText(document: object): string {
  return `${JSON.stringify(document)}\n`;
}

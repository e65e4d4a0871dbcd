import { basePath } from 'hono/route';
import { fromThrowable, type Result } from 'neverthrow';
import {
  defectResponse,
  documentAnswer,
  metricsAnswer,
  pageAnswer,
  refuse,
  streamResponse,
  toResponse,
} from './answers.js';
import type { Answers, DocumentId } from './api.js';
import type { AppOptions, Responder } from './app-options.js';
import { DOCS_POLICY, docsPage } from './docs-page.js';
import { EVENT_LIMITS, EventStreams } from './event-streams.js';
import { HANDLERS } from './handlers.js';
import { openapiOf } from './openapi-document.js';
import { OPERATIONS, type Operation, type OperationId } from './operations.js';
import type { ApiProblem } from './problems.js';
import { type InputReader, inputReaderOf } from './read-input.js';

/** What answers each operation of one app. */
export function responders(options: AppOptions): (id: OperationId) => Responder {
  const followEvents = eventResponder(options);
  return (id) => {
    switch (id) {
      case 'followEvents':
        return followEvents;
      case 'getMetrics':
        return () => metricsResponse(options);
      case 'getOpenapi':
        return (c) => toResponse(documentAnswer(openapiOf(options.version, basePath(c))));
      case 'getReference':
        return (c) => toResponse(pageAnswer(docsPage(openapiOf(options.version, basePath(c))), DOCS_POLICY));
      default:
        return documentResponder(id, options);
    }
  };
}

function metricsResponse(options: AppOptions): Response {
  const { gateway, metrics, flows } = options;
  if (metrics === undefined) return refuse({ kind: 'not_offered', what: 'metrics' });
  // The status is foreign code.
  return fromThrowable(
    () => metrics.text(gateway.status(), flows),
    (defect) => defectResponse(defect, options),
  )().match(
    (text) => toResponse(metricsAnswer(text)),
    (refusal) => refusal,
  );
}

/** As the table of handlers is called, where it is not known which operation it is. */
type AnyHandler = (sources: AppOptions, input: object) => Outcome | PromiseLike<Outcome>;
type Outcome = Result<Answers[DocumentId], ApiProblem>;

function documentResponder(id: DocumentId, options: AppOptions): Responder {
  const operation: Operation = OPERATIONS[id];
  // The schemas of the OpenAPI document have been applied to the input: it is what this handler takes.
  const handle = HANDLERS[id] as AnyHandler;
  const respond = (outcome: Outcome): Response =>
    outcome.match((document) => toResponse(documentAnswer(document, operation.status ?? 200)), refuse);
  const answer = (input: object): Response | Promise<Response> => {
    const outcome = handle(options, input);
    return 'then' in outcome ? Promise.resolve(outcome).then(respond) : respond(outcome);
  };
  // The sources are foreign code: what they throw, an Error or not, becomes an answer at this seam.
  const guarded: Responder = (c) => {
    try {
      const answered = read === null ? answer({}) : informed(read, c, answer);
      return answered instanceof Promise ? answered.catch((defect) => defectResponse(defect, options)) : answered;
    } catch (defect) {
      return defectResponse(defect, options);
    }
  };
  const read = inputReaderOf(id);
  return guarded;
}

async function informed(
  read: InputReader,
  c: Parameters<Responder>[0],
  answer: (input: object) => Response | Promise<Response>,
): Promise<Response> {
  const input = await read({ request: c.req.raw, param: (name) => c.req.param(name) });
  return input.isErr() ? refuse(input.error) : answer(input.value);
}

function eventResponder({ insight, eventLimits, stop }: AppOptions): Responder {
  if (insight === undefined) return () => refuse({ kind: 'not_offered', what: 'events' });
  const streams = new EventStreams(insight.news, { ...EVENT_LIMITS, ...eventLimits });
  if (stop?.aborted === true) streams.close();
  stop?.addEventListener('abort', () => streams.close(), { once: true });
  return (c) => {
    // Nobody would read the stream that HEAD has no place for.
    if (c.req.method === 'HEAD') return streamResponse(null);
    return streams.follow(c.req.header('last-event-id') ?? null).match(streamResponse, refuse);
  };
}

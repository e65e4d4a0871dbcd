import { escaped, inline, table } from './docs-html.js';
import { typeOf } from './docs-schema.js';
import type { OpenapiDocument, OperationObject, ResponseObject } from './openapi-document.js';

/** What a response that is a problem is described by: its kinds, each in backticks. */
const KINDS = /^`\w+`(, `\w+`)*$/;

/** The kinds of problems that every one of these operations may answer with. */
export function kindsOfAll(operations: readonly OperationObject[], document: OpenapiDocument): ReadonlySet<string> {
  const each = operations.map(({ responses }) =>
    Object.values(responses).flatMap((response) => kindsIn(resolved(response, document).description ?? '')),
  );
  const [first = [], ...rest] = each;
  return new Set(first.filter((kind) => rest.every((kinds) => kinds.includes(kind))));
}

/** Said once for all of them. */
export function everywhereNote(everywhere: ReadonlySet<string>): string {
  const kinds = [...everywhere].map(linkTo).join(', ');
  return `<p>Every request may also be answered with one of the problems ${kinds}.</p>`;
}

/** @param everywhere kinds that go without saying. */
export function answersOf(
  { responses, operationId }: OperationObject,
  document: OpenapiDocument,
  everywhere: ReadonlySet<string>,
): string {
  const rows = Object.entries(responses).flatMap(([status, response]) => {
    const { description = '', content = {} } = resolved(response, document);
    const kinds = kindsIn(description);
    const own = kinds.filter((kind) => !everywhere.has(kind));
    if (kinds.length > 0 && own.length === 0) return [];
    const types = Object.entries(content).map(
      ([type, { schema }]) => `${typeOf(schema)} <span class="soft">${type}</span>`,
    );
    const when = kinds.length === 0 ? inline(description) : own.map(linkTo).join(', ');
    return [[escaped(status), when, types.join(', ')]];
  });
  return table(['Status', 'When', 'What'], rows, `Answers of ${operationId}`);
}

const kindsIn = (description: string): readonly string[] =>
  KINDS.test(description) ? description.replaceAll('`', '').split(', ') : [];

const linkTo = (kind: string): string => `<a href="#problem-${kind}"><code>${kind}</code></a>`;

function resolved(response: ResponseObject, { components }: OpenapiDocument): ResponseObject {
  const name = /^#\/components\/responses\/(\w+)$/.exec(response.$ref ?? '')?.[1];
  return name === undefined ? response : (components.responses[name] ?? {});
}

import { answersOf, everywhereNote, kindsOfAll } from './docs-answers.js';
import { code, escaped, inline, table } from './docs-html.js';
import { problemsSection } from './docs-problems.js';
import { exampleOf, membersTable, schemaSection, typeOf } from './docs-schema.js';
import { DOCS_STYLE, DOCS_STYLE_HASH } from './docs-style.js';
import type { OpenapiDocument, OperationObject } from './openapi-document.js';

/** The page loads nothing and runs nothing; its one style is allowed by its hash. */
export const DOCS_POLICY: string = [
  "default-src 'none'",
  `style-src '${DOCS_STYLE_HASH}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Entry {
  readonly path: string;
  readonly method: string;
  readonly operation: OperationObject;
}

/** The reference for people: one page of the OpenAPI document, complete in itself. */
export function docsPage(document: OpenapiDocument): string {
  const { info, tags, components } = document;
  const entries = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): Entry => ({ path, method: method.toUpperCase(), operation })),
  );
  const base = (document.servers[0]?.url ?? '').replace(/\/$/, '');
  const everywhere = kindsOfAll(
    entries.map(({ operation }) => operation),
    document,
  );
  const sections = tags.map(({ name }) => {
    const own = entries.filter(({ operation }) => operation.tags.includes(name));
    const operations = own.map((entry) => operationSection(entry, base, document, everywhere)).join('\n');
    return `<section><h2 id="${anchor(name)}">${escaped(name)}</h2>${operations}</section>`;
  });
  const schemas = Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(info.title)}: API reference</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${DOCS_STYLE}</style></head>
<body><header><a class="skip" href="#text">Skip to the text</a><h1>${escaped(info.title)}</h1>
<p>${escaped(info.summary)} Version ${escaped(String(info['version']))}.
<a href="${escaped(base)}/openapi.json">OpenAPI ${escaped(document.openapi)}</a></p></header>
${contents(document, entries)}
<main id="text">${everywhereNote(everywhere)}
${sections.join('\n')}
${problemsSection()}
<section><h2 id="schemas">Schemas</h2>${schemas.join('\n')}</section></main></body></html>
`;
}

function contents({ tags }: OpenapiDocument, entries: readonly Entry[]): string {
  const lists = tags.map(({ name }) => {
    const own = entries.filter(({ operation }) => operation.tags.includes(name));
    const links = own.map(
      ({ method, path, operation }) =>
        `<li><a href="#${operation.operationId}"><span class="${method}">${method}</span> ${escaped(path)}</a></li>`,
    );
    return `<li><a href="#${anchor(name)}">${escaped(name)}</a><ul>${links.join('')}</ul></li>`;
  });
  const rest = '<li><a href="#problems">Problems</a></li><li><a href="#schemas">Schemas</a></li>';
  return `<nav aria-label="Contents"><details open><summary>Contents</summary><ul>${lists.join('')}${rest}</ul></details></nav>`;
}

function operationSection(
  { path, method, operation }: Entry,
  base: string,
  document: OpenapiDocument,
  everywhere: ReadonlySet<string>,
): string {
  const { operationId, summary, description = '' } = operation;
  const heading = `<span class="${method}">${method}</span> <code>${escaped(`${base}${path}`)}</code>`;
  return `<section><h3 id="${operationId}">${heading}</h3>
<p><strong>${inline(summary)}.</strong> ${inline(description)}</p>
${parametersOf(operation)}${bodyOf(operation)}
<h4>Answers</h4>${answersOf(operation, document, everywhere)}
${code(commandFor(path, method, operation, base), `How to ask for ${path} from a terminal`)}</section>`;
}

function parametersOf({ parameters = [], operationId }: OperationObject): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(({ name, in: place, required, schema, description }) => [
    `<code>${escaped(name)}</code>${required ? '' : ' <span class="soft">optional</span>'}`,
    escaped(place),
    typeOf(schema),
    inline(description),
  ]);
  return `<h4>Parameters</h4>${table(['Name', 'In', 'Type', 'Meaning'], rows, `Parameters of ${operationId}`)}`;
}

function bodyOf({ requestBody, operationId }: OperationObject): string {
  const bodies = Object.entries(requestBody?.content ?? {}).map(([type, { schema, example }]) => {
    const members = schema.properties === undefined ? '' : membersTable(schema, `Body of ${operationId}`);
    return `<h4>Body: <code>${escaped(type)}</code></h4>${members}${exampleOf(example)}`;
  });
  return bodies.join('');
}

function commandFor(
  path: string,
  method: string,
  { parameters = [], requestBody }: OperationObject,
  base: string,
): string {
  const samples: Readonly<Record<string, string>> = {
    name: 'he',
    protocol: 'udp',
    external_port: '7654',
    port: '7654',
  };
  const way = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => samples[name] ?? name);
  const needed = parameters.filter((parameter) => parameter.in === 'query' && parameter.required);
  const query = needed.map(({ name }) => `${name}=${samples[name] ?? ''}`).join('&');
  const url = `'http://127.0.0.1:8642${base}${way}${query === '' ? '' : `?${query}`}'`;
  const [media] = Object.entries(requestBody?.content ?? {});
  const verb = method === 'GET' ? '' : ` -X ${method}`;
  if (media === undefined) return `curl${path === '/events' ? ' -N' : ''}${verb} ${url}`;
  const [type, { example }] = media;
  const data = type === 'text/plain' ? '@v6-gatewayd.conf' : `'${JSON.stringify(example)}'`;
  return `curl -H 'Content-Type: ${type}' --data-binary ${data} ${url}`;
}

const anchor = (name: string): string => name.toLowerCase().replaceAll(' ', '-');

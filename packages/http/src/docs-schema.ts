import { code, escaped, inline, table } from './docs-html.js';
import type { JsonSchema } from './openapi-document.js';

/** What a value can be, with links to the schemas that have a name. */
export function typeOf(schema: JsonSchema): string {
  const name = /^#\/components\/schemas\/(\w+)$/.exec(schema.$ref ?? '')?.[1];
  if (name !== undefined) return `<a href="#schema-${name}">${name}</a>`;
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.const !== undefined) return `<code>${escaped(JSON.stringify(schema.const))}</code>`;
  if (schema.enum !== undefined)
    return schema.enum.map((word) => `<code>${escaped(JSON.stringify(word))}</code>`).join(' ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === 'integer' || schema.type === 'number') return numberType(schema);
  if (typeof schema.type === 'string') return schema.type === 'object' ? 'object' : escaped(schema.type);
  return schema.type?.map((type) => typeOf({ type })).join(' or ') ?? 'anything';
}

function numberType({ type, minimum, maximum }: JsonSchema): string {
  const name = type === 'integer' ? 'whole number' : 'number';
  const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return bounded ? `${name}, ${minimum ?? 0} to ${maximum}` : name;
}

/** The members of an object, those of its objects included. */
export function membersTable(schema: JsonSchema, label: string): string {
  return table(['Member', 'Type', 'Meaning'], rowsOf(schema, ''), label);
}

function rowsOf({ properties = {}, required = [] }: JsonSchema, prefix: string): readonly (readonly string[])[] {
  return Object.entries(properties).flatMap(([name, member]) => {
    const path = `${prefix}${name}`;
    const optional = required.includes(name) ? '' : ' <span class="soft">optional</span>';
    const row = [`<code>${escaped(path)}</code>${optional}`, typeOf(member), inline(member.description ?? '')];
    const inner = member.type === 'array' ? (member.items ?? {}) : member;
    return [row, ...rowsOf(inner, member.type === 'array' ? `${path}[].` : `${path}.`)];
  });
}

export function schemaSection(name: string, schema: JsonSchema): string {
  const body =
    schema.properties === undefined ? `<p>${typeOf(schema)}</p>` : membersTable(schema, `Members of ${name}`);
  return `<section><h3 id="schema-${name}">${name}</h3><p>${inline(schema.description ?? '')}</p>${body}</section>`;
}

export function exampleOf(example: unknown): string {
  return code(typeof example === 'string' ? example : JSON.stringify(example, null, 2), 'Example of a body');
}

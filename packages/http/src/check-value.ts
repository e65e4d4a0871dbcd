import { Validator } from '@cfworker/json-schema';
import { nearestOf } from '@hurricane/core';
import type { JsonSchema } from './openapi-document.js';
import type { FaultDocument } from './problem-document.js';

/** How many faults of one body are told. */
const FAULTS_AT_MOST = 16;

/** Half a character: what JSON's `\ud800` makes, and no text can hold. */
const SURROGATE = /\p{Surrogate}/u;

/** Says what is wrong with a value, one fault each; nothing when all is right. */
export type Check = (value: unknown) => readonly FaultDocument[];

/** @param name how the value is called in a sentence, and where it is, as in `port`. */
export function checkOf(name: string, schema: JsonSchema): Check {
  const validator = new Validator(schema as object, '2020-12', true);
  const rule = ruleOf(schema);
  return (value) => {
    const bad = !validator.validate(value).valid || (typeof value === 'string' && SURROGATE.test(value));
    return bad ? [fault(name, `"${name}" must be ${rule}${butIs(value)}.`)] : [];
  };
}

/** For the flat objects that this API's bodies are: every member is checked, and there may be no others. */
export function checkOfObject(schema: JsonSchema): Check {
  const properties = schema.properties ?? {};
  const names = Object.keys(properties);
  const members = Object.entries(properties).map(([name, member]) => ({ name, check: checkOf(name, member) }));
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return [{ field: '', detail: `The body must be a JSON object with ${names.map((n) => `"${n}"`).join(', ')}.` }];
    const given = new Map<string, unknown>(Object.entries(value));
    const missing = (schema.required ?? []).filter((name) => !given.has(name));
    const unknown = [...given.keys()].filter((name) => !Object.hasOwn(properties, name));
    return [
      ...missing.map((name) => fault(name, `"${name}" is missing: it must be ${ruleOf(properties[name] ?? {})}.`)),
      ...members.flatMap(({ name, check }) => (given.has(name) ? check(given.get(name)) : [])),
      ...unknown.map((name) => fault(name, unknownMember(name, names))),
    ].slice(0, FAULTS_AT_MOST);
  };
}

/** Completes "… must be …". */
export function ruleOf(schema: JsonSchema): string {
  const options = schema.anyOf;
  if (options !== undefined) return options.map(ruleOf).join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((word) => JSON.stringify(word)).join(' or ');
  const { type } = schema;
  if (Array.isArray(type)) return type.map((each: string) => ruleOf({ ...schema, type: each })).join(' or ');
  switch (type) {
    case 'integer':
      return `a whole number from ${schema.minimum ?? 0} to ${schema.maximum ?? Number.MAX_SAFE_INTEGER}`;
    case 'null':
      return 'null';
    case 'string':
      return textRule(schema);
    default:
      return `a ${String(type)}`;
  }
}

function textRule({ pattern, maxLength, minLength, description }: JsonSchema): string {
  const meaning = description?.replace(/\.$/, '') ?? '';
  if (pattern !== undefined) return `text of this kind: ${meaning}`;
  if (maxLength !== undefined) return `text of ${minLength ?? 0} to ${maxLength} characters`;
  return 'text';
}

function unknownMember(name: string, names: readonly string[]): string {
  const meant = nearestOf(name, names);
  const hint = meant === null ? `Members are: ${names.join(', ')}` : `Did you mean "${meant}"?`;
  return `"${shortened(name)}" is not a member of this body. ${hint.replace(/([^?])$/, '$1.')}`;
}

function fault(name: string, detail: string): FaultDocument {
  // RFC 6901 section 3.
  return { field: `/${shortened(name).replaceAll('~', '~0').replaceAll('/', '~1')}`, detail };
}

function butIs(value: unknown): string {
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return `, and is ${value}`;
    case 'string':
      return `, and is the text ${JSON.stringify(shortened(value))}`;
    default:
      return value === null ? ', and is null' : `, and is ${Array.isArray(value) ? 'a list' : 'an object'}`;
  }
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

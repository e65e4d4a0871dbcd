import { nearestOf } from '@hurricane/core';

/** A JSON Schema (2020-12) of any shape. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** What a tool takes: a flat object, and nothing beside what is named. */
export interface InputSchema {
  readonly type: 'object';
  readonly properties: { readonly [name: string]: Property };
  readonly required: readonly string[];
  readonly additionalProperties: false;
}

export type Property = {
  /** Completes "… must be …" where a pattern alone would say nothing to a reader. */
  readonly description: string;
  readonly default?: string | number;
} & (
  | { readonly type: 'string'; readonly enum: readonly string[] }
  | { readonly type: 'string'; readonly maxLength: number; readonly pattern?: string }
  | { readonly type: 'integer' | 'number'; readonly minimum: number; readonly maximum: number }
);

/** Arguments that have been checked: every name is the schema's, every value of its kind. */
export type Arguments = Readonly<Record<string, string | number | undefined>>;

export function inputSchema(properties: InputSchema['properties'], required: readonly string[] = []): InputSchema {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** How many faults of one call are told. */
const FAULTS_AT_MOST = 8;

/** One sentence for each thing that is wrong with what was given; none when all is right. */
export function faultsIn(given: unknown, schema: InputSchema): readonly string[] {
  if (given === undefined) return faultsIn({}, schema);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return ['The arguments must be an object.'];
  const { properties, required } = schema;
  const names = Object.keys(properties);
  const missing = required.filter((name) => !Object.hasOwn(given, name));
  const faults = Object.entries(given).flatMap(([name, value]) => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) return [unknownArgument(name, names)];
    return fits(value, property) ? [] : [`"${name}" must be ${ruleOf(property)}, and is ${shown(value)}.`];
  });
  const told = [...missing.map((name) => `"${name}" is missing: it must be ${ruleOf(properties[name]!)}.`), ...faults];
  return told.slice(0, FAULTS_AT_MOST);
}

function fits(value: unknown, property: Property): boolean {
  if (property.type === 'string') {
    if (typeof value !== 'string') return false;
    if ('enum' in property) return property.enum.includes(value);
    const pattern = property.pattern === undefined ? null : new RegExp(property.pattern, 'u');
    return value.length <= property.maxLength && (pattern === null || pattern.test(value));
  }
  const { type, minimum, maximum } = property;
  const whole = type === 'number' || Number.isInteger(value);
  return typeof value === 'number' && Number.isFinite(value) && whole && value >= minimum && value <= maximum;
}

function ruleOf(property: Property): string {
  if (property.type !== 'string') {
    const kind = property.type === 'integer' ? 'a whole number' : 'a number';
    return `${kind} from ${property.minimum} to ${property.maximum}`;
  }
  if ('enum' in property) return property.enum.map((word) => `"${word}"`).join(' or ');
  if (property.pattern !== undefined) return `text of this kind: ${property.description.replace(/\.$/, '')}`;
  return `text of at most ${property.maxLength} characters`;
}

function unknownArgument(name: string, names: readonly string[]): string {
  if (names.length === 0) return `"${shortened(name)}" is not an argument: there are none.`;
  const meant = nearestOf(name, names);
  const hint = meant === null ? `There are: ${names.join(', ')}.` : `Did you mean "${meant}"?`;
  return `"${shortened(name)}" is not an argument. ${hint}`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `the text ${JSON.stringify(shortened(value))}`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return String(value);
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

import type { Namespace } from './namespace.js';

/** What `ip` is asked, and so all that a snapshot covers. */
const QUESTIONS: readonly (readonly string[])[] = [
  ['link', 'show'],
  ['-4', 'addr', 'show'],
  ['-6', 'addr', 'show'],
  ['-4', 'route', 'show', 'table', 'all'],
  ['-6', 'route', 'show', 'table', 'all'],
  ['-4', 'rule', 'show'],
  ['-6', 'rule', 'show'],
];

/** Fields that change by themselves, or differ after an interface has been made again. */
const VOLATILE: ReadonlySet<string> = new Set([
  'ifindex',
  'link_index',
  'link_netnsid',
  'valid_life_time',
  'preferred_life_time',
  'expires',
  'used',
  'age',
  'stats',
  'stats64',
]);

/**
 * Links, addresses, routes of all tables and rules of a namespace, as text: two snapshots are equal
 * exactly when nothing that lasts has changed. One fact a line, sorted, so that a difference reads well.
 */
export async function snapshotOf(namespace: Namespace): Promise<string> {
  const parts = await Promise.all(
    QUESTIONS.map(async (question) => {
      const rows = JSON.parse(await namespace.must(['ip', '-j', ...question])) as readonly unknown[];
      const lines = rows.map((row) => JSON.stringify(lasting(row))).filter((line) => line !== '{}');
      return [`# ip ${question.join(' ')}`, ...lines.sort()].join('\n');
    }),
  );
  return `${parts.join('\n')}\n`;
}

/** The same value without volatile fields, its keys in order. */
function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !VOLATILE.has(key));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, lasting(field)]));
}

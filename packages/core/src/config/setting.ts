import type { Findings, Place } from './findings.js';
import { problemAt } from './findings.js';
import type { Section } from './lines.js';
import { shown } from './quote.js';
import type { Reader } from './readers.js';

/** A section and a key in it, as they are written. */
export interface Spelling {
  readonly section: string;
  readonly key: string;
}

/** One thing a configuration can set. */
export interface Setting<T> extends Spelling {
  /** Further spellings that mean the same. */
  readonly also: readonly Spelling[];
  readonly read: Reader<T>;
  /** What holds when the text does not say. */
  readonly fallback: T;
  /** Whether a key with nothing after its `=` says something. */
  readonly mayBeEmpty: boolean;
}

/** A setting for each member of `T`. */
export type SettingsOf<T> = { readonly [K in keyof T]: Setting<T[K]> };

/** What a text says about some settings. */
export interface Reading<T> {
  /** The fallback where the text says nothing, or nothing that can be read. */
  readonly values: T;
  /** Where each was set; null when it was not. */
  readonly places: { readonly [K in keyof T]: Place | null };
  /** What was set to something that cannot be read: no further conclusions should be drawn from it. */
  readonly unread: ReadonlySet<keyof T>;
}

/** The section name that stands for every `[tunnel.NAME]` and `[tunnelN]`. */
export const TUNNEL = 'tunnel.NAME';

/** The section name that stands for every `[mapping.NAME]` and `[mappingN]`. */
export const MAPPING = 'mapping.NAME';

/** How the table of settings calls a section. */
export function tableName(section: string): string {
  const [, kind] = /^(tunnel|mapping)(\.|[0-9]+$)/.exec(section) ?? [];
  if (kind === undefined) return section;
  return kind === 'tunnel' ? TUNNEL : MAPPING;
}

/** Every way to write a setting. */
export function spellingsOf(setting: Setting<unknown>): readonly Spelling[] {
  return [{ section: setting.section, key: setting.key }, ...setting.also];
}

/** Reads a group of settings from the sections it may be written in. */
export function readSettings<T extends object>(
  table: SettingsOf<T>,
  sections: readonly Section[],
  findings: Findings,
): Reading<T> {
  const values: Partial<T> = {};
  const places: { [K in keyof T]?: Place | null } = {};
  const unread = new Set<keyof T>();
  const names = Object.keys(table) as (keyof T)[];
  const mentioned = new Set(names.flatMap((name) => spellingsOf(table[name]).map((spelling) => spelling.section)));
  const relevant = sections.filter((section) => mentioned.has(tableName(section.name)));
  for (const name of names) {
    const found = readSetting(table[name], relevant, findings);
    values[name] = found.value;
    places[name] = found.place;
    if (found.unread) unread.add(name);
  }
  // Every member of T has just been given its value: the table has one setting for each.
  return { values: values as T, places: places as Reading<T>['places'], unread };
}

interface FoundSetting<T> {
  readonly value: T;
  readonly place: Place | null;
  readonly unread: boolean;
}

function readSetting<T>(setting: Setting<T>, sections: readonly Section[], findings: Findings): FoundSetting<T> {
  let found: FoundSetting<T> = { value: setting.fallback, place: null, unread: false };
  for (const { place, value } of occurrencesOf(setting, sections)) {
    if (found.place !== null)
      findings.problems.push(
        problemAt(place, `it is set on line ${found.place.line} already, as ${found.place.where}`),
      );
    if (value === null) {
      found = { ...found, place: found.place ?? place, unread: true };
      continue;
    }
    if (value === '' && !setting.mayBeEmpty)
      findings.problems.push(problemAt(place, 'it is given no value: write one, or leave the line out'));
    const read = value === '' && !setting.mayBeEmpty ? null : setting.read(value);
    if (read?.isErr()) for (const problem of read.error) findings.problems.push(problemAt(place, problem));
    found =
      read?.isOk() && found.place === null
        ? { value: read.value, place, unread: false }
        : { ...found, place: found.place ?? place, unread: true };
  }
  return found;
}

interface Occurrence {
  readonly place: Place;
  readonly value: string | null;
}

function occurrencesOf(setting: Setting<unknown>, sections: readonly Section[]): readonly Occurrence[] {
  const spellings = spellingsOf(setting);
  return sections.flatMap((section) => {
    const name = tableName(section.name);
    return section.entries
      .filter((entry) => spellings.some((s) => s.section === name && s.key === entry.key))
      .map((entry) => ({
        place: { line: entry.line, where: `${shown(section.name)}.${entry.key}` },
        value: entry.value,
      }));
  });
}

/** One row of a table. */
export function setting<T>(
  section: string,
  key: string,
  read: Reader<T>,
  fallback: T,
  also: readonly Spelling[] = [],
): Setting<T> {
  return { section, key, read, fallback, also, mayBeEmpty: false };
}

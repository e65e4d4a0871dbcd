import { problemAt } from './findings.js';
import type { Section } from './lines.js';
import type { ConfigProblem } from './model.js';
import { quoted, shown, suggestion } from './quote.js';
import { MAPPING, TUNNEL, tableName } from './setting.js';
import { KNOWN_SPELLINGS } from './settings.js';

/** Sections and keys that mean nothing here. The keys of an unknown section are not told of one by one. */
export function unknownNames(sections: readonly Section[]): readonly ConfigProblem[] {
  return sections.flatMap((section) => {
    const keys = KNOWN_KEYS.get(tableName(section.name));
    const where = shown(section.name);
    if (keys === undefined) return [problemAt({ line: section.line, where }, unknownSection(section.name))];
    return section.entries
      .filter(({ key }) => !keys.includes(key))
      .map(({ key, line }) =>
        problemAt(
          { line, where: `${where}.${shown(key)}` },
          `${quoted(key)} is no key of this section${suggestion(key, keys)}`,
        ),
      );
  });
}

const KNOWN_KEYS: ReadonlyMap<string, readonly string[]> = keysBySection();

function keysBySection(): ReadonlyMap<string, readonly string[]> {
  const keys = new Map<string, string[]>();
  for (const { section, key } of KNOWN_SPELLINGS) keys.set(section, [...(keys.get(section) ?? []), key]);
  return keys;
}

function unknownSection(name: string): string {
  if (name === '') return 'the section has no name';
  const dot = name.indexOf('.');
  // What follows the dot is the name of a tunnel or of a mapping, which is nobody's mistake.
  const named = dot === -1 ? [] : [`tunnel${name.slice(dot)}`, `mapping${name.slice(dot)}`];
  const known = [...KNOWN_KEYS.keys()].filter((section) => section !== TUNNEL && section !== MAPPING);
  const sections = [...known, 'tunnel1', 'mapping1', ...named];
  return `${quoted(name)} is no section of this configuration${suggestion(name, sections)}`;
}

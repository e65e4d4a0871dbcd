import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { scanLines } from './lines.js';
import { parseConfig } from './parse.js';
import * as portsSettings from './ports.js';
import * as relaySettings from './relay-settings.js';
import { type Setting, type Spelling, spellingsOf, tableName } from './setting.js';
import * as settings from './settings.js';

const root = new URL('../../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const reference = read('docs/configuration.md');
const example = read('config/v6-gatewayd.conf.example');
const names = (all: readonly Spelling[]): readonly string[] =>
  [...new Set(all.map((s) => `${s.section}.${s.key}`))].sort();

/** Settings whose fallback is null: the number comes from the code beside them. */
const DECIDED_ELSEWHERE = new Map([
  ['exposure.socks5.port', 1080],
  ['tunnel.NAME.prefix_len', 64],
]);

describe('docs/configuration.md', () => {
  test('has a row for every key the parser knows, and for no other', () => {
    expect(names(rows())).toEqual(names(settings.KNOWN_SPELLINGS));
    expect(rows()).toHaveLength(settings.KNOWN_SPELLINGS.length);
  });

  test('gives the default that the parser has', () => {
    for (const row of rows()) {
      const setting = settingOf(row);
      if (row.fallback === '–') continue;
      const value = setting.read(row.fallback)._unsafeUnwrap();
      const own = DECIDED_ELSEWHERE.get(`${row.section}.${row.key}`);
      expect(value, `${row.section}.${row.key}`).toEqual(own ?? setting.fallback);
    }
  });

  test('says where there is no default', () => {
    const without = rows().filter((row) => row.fallback === '–');

    expect(without.every((row) => ['tunnel.NAME', 'mapping.NAME', 'crypto', 'hwauth'].includes(row.section))).toBe(
      true,
    );
  });
});

describe('config/v6-gatewayd.conf.example', () => {
  test('shows every key the parser knows, and no other', () => {
    expect(names(spellingsIn(withEverything(example)))).toEqual(names(settings.KNOWN_SPELLINGS));
  });

  test('says nothing but the defaults when its settings are switched on', () => {
    const [common = ''] = withEverything(example).split('[api]');
    const on = parseConfig(common.replace(/^mode = kernel/m, 'mode = proxy'))._unsafeUnwrap();
    const off = parseConfig(example)._unsafeUnwrap();
    const bare = parseConfig('[tunnel.he]\ntype = external')._unsafeUnwrap();

    expect({ ...on, tunnels: [], mappings: [], exposure: bare.exposure }).toEqual({ ...bare, tunnels: [] });
    expect(on.mappings.map((m) => m.name)).toEqual(['i2p', 'far-web', 'udp-4444', 'tcp-80']);
    expect(off.tunnels).toEqual(on.tunnels.slice(0, 1));
    expect(on.tunnels.map((t) => t.type)).toEqual(['he_6in4', 'wireguard', 'mullvad', 'external', 'he_6in4']);
  });
});

test.each(readdirSync(new URL('config/', root)).filter((name) => /\.(conf|example)$/.test(name)))(
  'config/%s is accepted',
  (name) => {
    expect(parseConfig(read(`config/${name}`))._unsafeUnwrap().warnings).toEqual([]);
  },
);

/** Switches on every setting that a `#` switches off. */
function withEverything(text: string): string {
  return text.replace(/^#(?=[a-z[])/gm, '');
}

function spellingsIn(text: string): readonly Spelling[] {
  return scanLines(text).sections.flatMap((s) => s.entries.map((e) => ({ section: tableName(s.name), key: e.key })));
}

interface Row extends Spelling {
  readonly fallback: string;
}

/** The rows of the tables, each under the heading of its section. */
function rows(): readonly Row[] {
  return reference.split(/^### /m).flatMap((part) => {
    const section = /^\[(.+)\]$/m.exec(part)?.[1] ?? '';
    return [...part.matchAll(/^\| *`(\w+)` *\|.*\| *(\S.*?) *\|$/gm)].map((row) => ({
      section,
      key: row[1] ?? '',
      fallback: (row[2] ?? '').replaceAll('`', ''),
    }));
  });
}

function settingOf(spelling: Spelling): Setting<unknown> {
  const tables: readonly object[] = Object.values({ ...settings, ...relaySettings, ...portsSettings }).filter(
    (table) => typeof table === 'object' && !Array.isArray(table),
  );
  const all = tables.flatMap((table) => Object.values<Setting<unknown>>(table as Record<string, Setting<unknown>>));
  const found = all.find((s) => spellingsOf(s).some((o) => o.section === spelling.section && o.key === spelling.key));
  if (found === undefined) throw new Error(`no setting ${spelling.section}.${spelling.key}`);
  return found;
}

/** One line of a WireGuard configuration, read as wg-quick reads it (`parse_options` of its source). */
export interface WgLine {
  readonly section: 'interface' | 'peer' | 'none';
  /** In lower case; '' for headings, comments and empty lines. */
  readonly key: string;
  readonly value: string;
  /** The line as it stands. */
  readonly text: string;
}

/** A command that wg-quick runs for the file's author. */
export interface WgHook {
  readonly key: 'PreUp' | 'PostUp' | 'PreDown' | 'PostDown';
  readonly command: string;
}

const HOOKS: readonly WgHook['key'][] = ['PreUp', 'PostUp', 'PreDown', 'PostDown'];

/** `Table` values that put routes where the gateway has its own. */
const SHARED_TABLES = ['', 'auto', 'main', '254'];

/** Characters of the digest that tells one file from the next: 48 bits. */
const DIGEST_LENGTH = 12;

export function parseWgConf(text: string): readonly WgLine[] {
  let section: WgLine['section'] = 'none';
  return text.split('\n').map((line): WgLine => {
    const bare = (line.split('#')[0] ?? '').trim();
    const heading = /^\[(.*)\]$/.exec(bare)?.[1]?.toLowerCase();
    if (heading !== undefined) section = heading === 'interface' || heading === 'peer' ? heading : 'none';
    const equals = bare.indexOf('=');
    if (heading !== undefined || equals === -1) return { section, key: '', value: '', text: line };
    const key = bare.slice(0, equals).trim().toLowerCase();
    return { section, key, value: bare.slice(equals + 1).trim(), text: line };
  });
}

/** The values of one key, lists taken apart at their commas, empty ones left out. */
export const valuesOf = (lines: readonly WgLine[], section: WgLine['section'], key: string): readonly string[] =>
  lines
    .filter((line) => line.section === section && line.key === key)
    .flatMap(({ value }) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');

/** The commands of a file, in its order. Whole lines: a comma is part of the command. */
export const hooksOf = (lines: readonly WgLine[]): readonly WgHook[] =>
  lines.flatMap((line) => {
    const key = HOOKS.find((name) => line.section === 'interface' && name.toLowerCase() === line.key);
    return key === undefined ? [] : [{ key, command: line.value }];
  });

/**
 * Whether wg-quick's own routing must be kept off. With a full-tunnel file it would take over both
 * default routes, by rules that land ahead of ours, and two such files would fight. A file that names
 * a table of its own, or `off`, has decided for itself.
 */
export function sharesRouting(lines: readonly WgLine[]): boolean {
  const tables = lines.filter((line) => line.section === 'interface' && line.key === 'table');
  const table = tables.at(-1)?.value ?? '';
  return SHARED_TABLES.includes(table);
}

/** Equal for files that say the same, whatever their comments and spacing. Tells nothing about the keys in it. */
export async function digestOf(lines: readonly WgLine[]): Promise<string> {
  const said = lines.filter(({ key }) => key !== '').map(({ section, key, value }) => `${section}.${key}=${value}`);
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(said.join('\n')));
  return Buffer.from(bytes).toString('hex').slice(0, DIGEST_LENGTH);
}

import { err, ok } from 'neverthrow';
import { parseIpv6 } from '../address.js';
import { GROUP_IDS, MAX_ACCESS_NAMES, MAX_SOCKET_PATH, PORTS } from './bounds.js';
import { quoted } from './quote.js';
import { absolutePath, type Reader, refuse, wholeNumber } from './readers.js';

// Who may use the API, and by which way.

/** Lets the value be the word `none`. */
export function orNone<T>(read: Reader<T>): Reader<T | null> {
  return (text) => (isNone(text) ? ok(null) : read(text));
}

/** Items with commas or spaces between them, or the word `none`. `textOf`: two of the same text are one too many. */
export function listOf<T>(
  what: string,
  read: Reader<T>,
  most: number = MAX_ACCESS_NAMES,
  textOf: (item: T) => string = String,
): Reader<readonly T[]> {
  return (text) => {
    if (isNone(text)) return ok([]);
    const words = text.split(/[\s,]+/).filter((w) => w !== '');
    if (words.length === 0) return refuse(text, `names no ${what}: give at least one, or none`);
    if (words.length > most)
      return refuse(text, `names ${words.length}: give at most ${most}, each of them one ${what}`);
    const all = words.map(read);
    const items = all.flatMap((r) => (r.isOk() ? [r.value] : []));
    const problems = all.flatMap((r) => (r.isErr() ? r.error : []));
    const texts = items.map(textOf);
    const repeated = texts.filter((item, i) => texts.indexOf(item) !== i);
    const wrongs = [...problems, ...repeated.map((item) => `${quoted(item)} is named twice`)];
    return wrongs.length > 0 ? err(wrongs) : ok(items);
  };
}

/** Where a Unix socket can be. */
export const socketPath: Reader<string> = (text) => {
  const path = absolutePath(text);
  if (path.isErr()) return path;
  if (/(^|\/)\.{0,2}$/.test(text)) return refuse(text, 'names a directory: give the path of the socket itself');
  const bytes = utf8Length(text);
  if (bytes > MAX_SOCKET_PATH)
    return refuse(text, `has ${bytes} bytes: Linux takes ${MAX_SOCKET_PATH} for the path of a socket`);
  return ok(text);
};

/** groupadd(8): what Debian takes for a name. Or a number. */
export const groupNameOrId: Reader<string | number> = (text) => {
  if (/^[0-9]+$/.test(text)) return wholeNumber(GROUP_IDS)(text);
  if (/^[A-Za-z_][A-Za-z0-9_-]{0,31}$/.test(text)) return ok(text);
  return refuse(text, 'is neither the name of a group nor its number');
};

/** RFC 6454 section 6.2: what a browser puts into `Origin`, in lower case and without the usual port. */
export const webOrigin: Reader<string> = (text) => {
  const parts = /^(https?):\/\/(.*)$/.exec(text.toLowerCase());
  const [, scheme = '', authority = ''] = parts ?? [];
  if (parts === null || !isAuthority(authority))
    return refuse(
      text,
      'is not an origin: give exact ones, such as https://dashboard.example or http://localhost:3000',
    );
  return ok(`${scheme}://${authority.replace(scheme === 'http' ? /:80$/ : /:443$/, '')}`);
};

/** What clients put into `Host`: a name or an address, with or without a port. */
export const hostAuthority: Reader<string> = (text) =>
  isAuthority(text.toLowerCase())
    ? ok(text.toLowerCase())
    : refuse(text, 'is not a name of a host: give exact ones, such as gateway.lan or gateway.lan:8443');

const isNone = (text: string): boolean => text.toLowerCase() === 'none';

/** RFC 3986 section 3.2, without the user and without escapes. */
function isAuthority(text: string): boolean {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(text) ?? [];
  if (port !== undefined && wholeNumber(PORTS)(port).isErr()) return false;
  if (host.startsWith('[')) return parseIpv6(host.slice(1, -1)).isOk();
  return host.length <= 253 && /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(host);
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

/** Control characters, and the others that end a line or turn writing around. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** What a terminal or a log may be shown of somebody's text: the rest stands there as an escape. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeOf);
}

/** The same, cut to `limit` characters. */
export function printableWithin(limit: number, text: string): string {
  return printable(text.length > limit ? `${text.slice(0, limit)}…` : text);
}

function escapeOf(character: string): string {
  switch (character) {
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    default:
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }
}

import { unsafe } from 'ini';
import { err, ok, type Result } from 'neverthrow';
import { quoted, shown } from './quote.js';

/**
 * The value a line means: what stands after its `=`, without quotes, escapes and comment.
 *
 * The rules are those of `ini`: an unquoted value ends at `#` or `;` unless a backslash precedes
 * it, a double-quoted one is JSON. Errs with a sentence.
 */
export function decodeValue(raw: string): Result<string, string> {
  const text = raw.trim();
  const mark = text[0];
  if (mark !== '"' && mark !== "'") return withoutControls(unsafe(text));
  const end = closingQuote(text, mark);
  if (end === -1) return err(`the quote that opens at ${quoted(text)} is never closed`);
  const rest = text.slice(end + 1).trim();
  if (!isComment(rest) && rest !== '')
    return err(`${quoted(rest)} follows the closing quote, where only a comment may`);
  // `ini` reads what single quotes hold as JSON, so that '1e3' would come back as the number 1000.
  if (mark === "'") return withoutControls(text.slice(1, end));
  const inQuotes = text.slice(0, end + 1);
  const value = unsafe(inQuotes);
  // Unchanged means that it was not JSON.
  if (value === inQuotes) return err(`${shown(inQuotes)} has an escape that is none: write a backslash as "\\\\"`);
  return withoutControls(value);
}

/** `#` and `;` begin a comment. */
export function isComment(text: string): boolean {
  return text.startsWith('#') || text.startsWith(';');
}

function closingQuote(text: string, mark: string): number {
  for (let i = 1; i < text.length; i++) {
    if (text[i] === mark) return i;
    if (text[i] === '\\' && mark === '"') i++;
  }
  return -1;
}

function withoutControls(value: string): Result<string, string> {
  // A tab inside a value is as good as a space.
  return /[^\P{Cc}\t]/u.test(value) ? err(`${quoted(value)} contains a control character`) : ok(value);
}

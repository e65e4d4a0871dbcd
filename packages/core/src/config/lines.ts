import { decodeValue, isComment } from './decode.js';
import type { ConfigProblem } from './model.js';
import { quoted, shown } from './quote.js';

/** One `key = value`. */
export interface Entry {
  readonly key: string;
  /** Null when the text after the `=` cannot be read; the scan has said why. */
  readonly value: string | null;
  readonly line: number;
}

/** One `[section]` and what stands under it, in file order. */
export interface Section {
  readonly name: string;
  readonly line: number;
  readonly entries: readonly Entry[];
}

export interface Scan {
  /** Once per header: a section opened twice is here twice. */
  readonly sections: readonly Section[];
  /** What is wrong with the lines themselves, whatever they mean. */
  readonly problems: readonly ConfigProblem[];
}

interface OpenSection extends Section {
  readonly entries: Entry[];
}

/** Reads the lines of a configuration, where each thing stands and in which order: what `ini` throws away. */
export function scanLines(text: string): Scan {
  const sections: OpenSection[] = [];
  const problems: ConfigProblem[] = [];
  const firstLine = new Map<string, number>();
  const lines = text.split(/\r\n|\n|\r/);
  for (const [index, whole] of lines.entries()) {
    const line = index + 1;
    // A byte order mark is white space to `trim`.
    const content = whole.trim();
    if (content === '' || isComment(content)) continue;
    const section = sections.at(-1) ?? null;
    if (content.startsWith('[')) {
      const header = readHeader(content);
      for (const problem of header.problems) problems.push({ line, where: shown(header.name), problem });
      const first = firstLine.get(header.name);
      if (first === undefined) firstLine.set(header.name, line);
      else problems.push({ line, where: shown(header.name), problem: repeated(header.name, first) });
      sections.push({ name: header.name, line, entries: [] });
    } else {
      const setting = readSetting(content, section?.name ?? null);
      for (const { where, problem } of setting.problems) problems.push({ line, where, problem });
      if (setting.key !== null) section?.entries.push({ key: setting.key, value: setting.value, line });
    }
  }
  return { sections, problems };
}

interface Header {
  readonly name: string;
  readonly problems: readonly string[];
}

function readHeader(content: string): Header {
  const end = content.indexOf(']');
  if (end === -1) {
    // Taken as the header it was meant to be, so that its keys are not blamed on the section before.
    const name = content.slice(1).split(/[#;]/)[0]?.trim() ?? '';
    return { name, problems: [`the section header ${quoted(content)} lacks its closing "]"`] };
  }
  const name = content.slice(1, end).trim();
  const rest = content.slice(end + 1).trim();
  if (rest === '' || isComment(rest)) return { name, problems: [] };
  return { name, problems: [`${quoted(rest)} follows the section header, where only a comment may`] };
}

interface WrittenSetting {
  /** Null when the line sets nothing. */
  readonly key: string | null;
  readonly value: string | null;
  readonly problems: readonly { readonly where: string; readonly problem: string }[];
}

function readSetting(content: string, section: string | null): WrittenSetting {
  const equals = content.indexOf('=');
  const comment = content.search(/[#;]/);
  const within = section === null ? '' : shown(section);
  const nothing = (problem: string): WrittenSetting => ({
    key: null,
    value: null,
    problems: [{ where: within, problem }],
  });
  if (equals === -1 || (comment !== -1 && comment < equals))
    return nothing(`${quoted(content)} is neither a [section] nor a "key = value"`);
  const key = content.slice(0, equals).trim();
  if (key === '') return nothing(`${quoted(content)} has no key before its "="`);
  const where = section === null ? shown(key) : `${within}.${shown(key)}`;
  const problems: { where: string; problem: string }[] = [];
  if (section === null) problems.push({ where, problem: `${quoted(key)} stands before the first [section]` });
  const value = decodeValue(content.slice(equals + 1));
  if (value.isErr()) problems.push({ where, problem: value.error });
  return { key, value: value.unwrapOr(null), problems };
}

function repeated(name: string, first: number): string {
  return `the section [${shown(name)}] was opened on line ${first} already: keep one of them`;
}

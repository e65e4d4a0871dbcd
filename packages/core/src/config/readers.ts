import { err, ok, type Result } from 'neverthrow';
import type { Millis } from '../units.js';
import { type Bounds, MAX_PATH } from './bounds.js';
import { quoted, suggestion } from './quote.js';

/** Gives what a value means, or one sentence for each thing wrong with it. */
export type Reader<T> = (text: string) => Result<T, readonly string[]>;

/** Decimal digits only: no sign, no leading zero, no hexadecimal, no exponent. */
export function wholeNumber({ min, max }: Bounds): Reader<number> {
  return (text) => {
    if (!/^(0|[1-9][0-9]*)$/.test(text)) return refuse(text, `is not a whole number from ${min} to ${max}`);
    const value = Number(text);
    if (value < min || value > max) return refuse(text, `is out of range: give a whole number from ${min} to ${max}`);
    return ok(value);
  };
}

const MILLIS_OF = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Seconds, or a number and its unit: `60`, `1.5s`, `500ms`, `2m`, `1h`. */
export function duration({ min, max }: Bounds): Reader<Millis> {
  const wanted = `from ${describeMillis(min)} to ${describeMillis(max)}`;
  return (text) => {
    const parts = /^((?:0|[1-9][0-9]*)(?:\.[0-9]+)?) ?(ms|s|m|h)?$/.exec(text);
    if (parts === null)
      return refuse(text, `is not a duration ${wanted}: give seconds, or a unit as in 500ms, 1.5s, 2m, 1h`);
    const unit = (parts[2] ?? 's') as keyof typeof MILLIS_OF;
    const value = Math.round(Number(parts[1]) * MILLIS_OF[unit]);
    if (value < min || value > max) return refuse(text, `is out of range: give a duration ${wanted}`);
    return ok(value);
  };
}

/** One of a few words, in any letter case. */
export function word<T extends string>(words: readonly T[]): Reader<T> {
  return (text) => {
    const found = words.find((w) => w === text.toLowerCase());
    if (found !== undefined) return ok(found);
    return refuse(text, `is not one of ${words.join(', ')}${suggestion(text, words)}`);
  };
}

const YES = ['true', 'yes', 'on', '1'];
const NO = ['false', 'no', 'off', '0'];

export const yesOrNo: Reader<boolean> = (text) => {
  if (YES.includes(text.toLowerCase())) return ok(true);
  if (NO.includes(text.toLowerCase())) return ok(false);
  return refuse(text, 'is neither true nor false');
};

export const absolutePath: Reader<string> = (text) => {
  if (!text.startsWith('/')) return refuse(text, 'is not an absolute path, one that begins with "/"');
  if (text.length > MAX_PATH) return refuse(text, `is longer than ${MAX_PATH} characters, more than Linux opens`);
  return ok(text);
};

/** For keys that say nothing to this gateway. */
export const anyText: Reader<string> = (text) => ok(text);

/** Words for people. */
export function shortText(longest: number): Reader<string> {
  return (text) =>
    text.length <= longest ? ok(text) : refuse(text, `has ${text.length} characters: give at most ${longest}`);
}

/** A switch of something this gateway does not have: it may only be off. */
export function absentLayer(what: string): Reader<false> {
  return (text) => {
    const on = yesOrNo(text);
    if (on.isErr()) return err(on.error);
    if (on.value) return refuse(text, `asks for ${what}, which this gateway does not have: set it to false`);
    return ok(false);
  };
}

export function refuse(text: string, why: string): Result<never, readonly string[]> {
  return err([`${quoted(text)} ${why}`]);
}

/** The shortest form that a configuration could hold. */
export function describeMillis(millis: Millis): string {
  const unit = (['h', 'm', 's'] as const).find((u) => millis >= MILLIS_OF[u] && millis % MILLIS_OF[u] === 0);
  return unit === undefined ? `${millis} ms` : `${millis / MILLIS_OF[unit]} ${unit}`;
}

// Between the bytes of an address on the wire and its canonical text (RFC 5952), for every packet: no general parser.

/** 4 or 16 bytes to text. An IPv4 address in IPv6 clothes (RFC 4291 section 2.5.5.2) is written as the IPv4 address. */
export function textOfAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (isMapped(bytes)) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => at(bytes, 2 * i) * 256 + at(bytes, 2 * i + 1));
  return shortened(groups);
}

/** Text of an address to its 4 or 16 bytes; a zone (`%eth0`) is left out. Null when it is no address. */
export function bytesOfAddress(text: string): Uint8Array | null {
  if (!text.includes(':')) return dotted(text);
  const [address = ''] = text.split('%');
  const [head = '', tail, ...more] = address.split('::');
  if (more.length > 0) return null;
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  if (before === null || after === null) return null;
  const gap = 8 - before.length - after.length;
  if (tail === undefined ? gap !== 0 : gap < 1) return null;
  const groups = [...before, ...Array.from({ length: gap }, () => 0), ...after];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** RFC 4291 section 2.5.5.2: ::ffff:0:0/96. */
function isMapped(bytes: Uint8Array): boolean {
  return at(bytes, 10) === 0xff && at(bytes, 11) === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
}

/** RFC 5952 section 4.2: the longest run of at least two zero groups, the first of equals, becomes `::`. */
function shortened(groups: readonly number[]): string {
  let [from, length] = [-1, 1];
  for (let i = 0; i < 8; i += 1) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run += 1;
    if (run > length) [from, length] = [i, run];
    i += run;
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (from === -1) return text(groups);
  return `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}

/** Four numbers up to 255, none with a leading zero: some would read that as octal. */
function dotted(text: string): Uint8Array | null {
  const bytes = new Uint8Array(4);
  let place = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i <= text.length; i += 1) {
    const code = i === text.length ? DOT : text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || place > 3) return null;
      bytes[place] = value;
      place += 1;
      digits = 0;
      value = 0;
    } else {
      const digit = code - ZERO;
      value = value * 10 + digit;
      if (!(digit >= 0 && digit <= 9) || (digits > 0 && value < 10) || value > 255) return null;
      digits += 1;
    }
  }
  return place === 4 ? bytes : null;
}

const DOT = 0x2e;
const ZERO = 0x30;

function groupsOf(text: string): readonly number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  const v4 = last.includes('.') ? dotted(last) : null;
  if (last.includes('.') && v4 === null) return null;
  const words = v4 === null ? parts : parts.slice(0, -1);
  if (!words.every((word) => /^[0-9a-fA-F]{1,4}$/.test(word))) return null;
  const groups = words.map((word) => Number.parseInt(word, 16));
  return v4 === null ? groups : [...groups, at(v4, 0) * 256 + at(v4, 1), at(v4, 2) * 256 + at(v4, 3)];
}

const at = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0;

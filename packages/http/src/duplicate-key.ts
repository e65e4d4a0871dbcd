/** A string, or one character of structure. What is between them says nothing about keys. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/**
 * The first member that stands twice in one object, as it is written, or null.
 *
 * JSON.parse takes the last one in silence, other parsers the first one: what a checking proxy has seen need not be
 * what is done (RFC 8259 section 4).
 *
 * @param json valid JSON.
 */
export function duplicateKey(json: string): string | null {
  /** The keys of each object we are in; null stands for a list. */
  const open: (Set<string> | null)[] = [];
  let last = '';
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const key = String(JSON.parse(last));
      const keys = open.at(-1);
      if (keys?.has(key)) return last;
      keys?.add(key);
    }
    last = token;
  }
  return null;
}

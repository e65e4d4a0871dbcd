import type { Way, Ways } from '../../contracts.js';

/** Every association asks after each change, and the answer is the same for all of them. */
const known = new WeakMap<readonly Way[], string>();

/** The addresses of all tunnels, to be compared with those of another moment. */
export function addressesOf(ways: Ways): string {
  const now = ways.now();
  const before = known.get(now);
  if (before !== undefined) return before;
  const addresses = now.map(({ address }) => address);
  const text = addresses.sort().join(' ');
  known.set(now, text);
  return text;
}

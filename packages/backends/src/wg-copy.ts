import { sharesRouting, type WgLine } from './wg-conf.js';
import { networkRoute, routedNetworks } from './wg-networks.js';

/** What of a file matters when its interface goes; no keys among it. */
const CLOSING_KEYS = ['table', 'dns', 'predown', 'postdown'];

/**
 * The text that `wg-quick up` gets to see: the file's, except that
 *
 * - where the file leaves routing to wg-quick, `Table = off` and routes to its networks alone, and no
 *   `DNS`: a resolver inside one tunnel is out of reach as soon as another carries the traffic;
 * - `SaveConfig` is left out, because it would write to a file that is about to go;
 * - names of endpoints are addresses (`endpoints`: from what the file says to what goes there).
 */
export function openingCopy(lines: readonly WgLine[], endpoints: ReadonlyMap<string, string>): string {
  const off = sharesRouting(lines);
  const hooks = routedNetworks(lines).map((network) => `PostUp = ip ${networkRoute(network, '%i').join(' ')}`);
  const added = off ? ['Table = off', ...hooks] : [];
  return lines
    .filter((line) => isKept(line, off))
    .flatMap((line) => [withEndpoint(line, endpoints), ...(line === headingOf(lines) ? added : [])])
    .join('\n');
}

/** The text that `wg-quick down` gets to see: what to run and to undo, without keys or peers. */
export function closingCopy(lines: readonly WgLine[]): string {
  const off = sharesRouting(lines);
  const kept = lines.filter((line) => isKept(line, off));
  const closing = kept.filter(({ section, key }) => section === 'interface' && CLOSING_KEYS.includes(key));
  return ['[Interface]', ...(off ? ['Table = off'] : []), ...closing.map(({ text }) => text), ''].join('\n');
}

/** The line that opens `[Interface]`; undefined when there is none. */
export const headingOf = (lines: readonly WgLine[]): WgLine | undefined =>
  lines.find((line) => line.section === 'interface');

function isKept({ section, key }: WgLine, off: boolean): boolean {
  if (section !== 'interface') return true;
  return key !== 'saveconfig' && !(off && (key === 'table' || key === 'dns'));
}

function withEndpoint(line: WgLine, endpoints: ReadonlyMap<string, string>): string {
  const address = line.section === 'peer' && line.key === 'endpoint' ? endpoints.get(line.value) : undefined;
  return address === undefined ? line.text : `Endpoint = ${address}`;
}

import { isIPv4, isIPv6 } from 'node:net';
import { sharesRouting, valuesOf, type WgLine } from './wg-conf.js';

/** Prefixes shorter than these are a good part of the Internet: whoever lists one wants all of it. */
const NARROW = { ipv4: 8, ipv6: 16 } as const;

/** Of a route to a network behind a peer: behind the kernel's own routes to addresses on the interface. */
const METRIC = 1_024;

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
  const added = off ? ['Table = off', ...narrowNetworks(lines).map(routeHook)] : [];
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

/** As wg-quick itself would route it, but for the default routes. Numbers and names of our own making only. */
function routeHook(network: string): string {
  const family = network.includes(':') ? '-6' : '-4';
  return `PostUp = ip ${family} route add ${network} dev %i metric ${METRIC}`;
}

/**
 * The networks behind the peers, canonical. None of a family of which the file wants a good part of
 * the Internet: those are full tunnels, also when written as many prefixes that leave something out.
 */
function narrowNetworks(lines: readonly WgLine[]): readonly string[] {
  const networks = valuesOf(lines, 'peer', 'allowedips').flatMap(networkIn);
  const narrow = (family: 'ipv4' | 'ipv6'): readonly Network[] => {
    const all = networks.filter((network) => network.family === family);
    return all.some(({ length }) => length < NARROW[family]) ? [] : all;
  };
  const chosen = [...narrow('ipv4'), ...narrow('ipv6')].map(({ address, length }) => `${address}/${length}`);
  return [...new Set(chosen)];
}

interface Network {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly length: number;
}

/** Empty for what is no network: wg says so itself. */
function networkIn(text: string): readonly Network[] {
  const [address = '', given] = text.split('/');
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : null;
  const longest = family === 'ipv4' ? 32 : 128;
  const length = given === undefined ? longest : Number(given);
  if (family === null || !Number.isInteger(length) || length < 0 || length > longest) return [];
  return [{ family, address: family === 'ipv4' ? masked(address, length) : address, length }];
}

/** Without its host part, which the kernel refuses in an IPv4 route and drops in an IPv6 one. */
function masked(address: string, length: number): string {
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - length);
  const network = Math.floor(number / size) * size;
  return [24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join('.');
}

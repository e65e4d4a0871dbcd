import type { ApiProblem } from './problems.js';

/** This server's end of the connection that a request came by. */
export interface Arrival {
  /** IPv4 or IPv6 literal, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** What a request says about who asks whom. Null: it does not say. */
export interface Approach {
  readonly url: string;
  readonly host: string | null;
  readonly origin: string | null;
  readonly fetchSite: string | null;
  /** Null where the server does not tell: ports are not compared then. */
  readonly arrival: Arrival | null;
}

/** Names that cannot lead anywhere but to this machine. */
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Why a request must not be answered, or null.
 *
 * Being on loopback keeps other machines out, not the web pages that a browser on this machine
 * shows. A page gets here under a name of its own that was made to point at 127.0.0.1 (DNS
 * rebinding: the name is in `Host`), or by asking across origins (`Origin`, `Sec-Fetch-Site`).
 *
 * @param trusted further names of this gateway, in lower case, with or without a port.
 */
export function refusalOf(approach: Approach, trusted: ReadonlySet<string>): ApiProblem | null {
  const { host, origin, fetchSite, arrival } = approach;
  // A repeated Host arrives here as one value, joined as RFC 9110 section 5.3 joins any field.
  if (host?.includes(',')) return { kind: 'bad_request', problem: 'carries more than one Host' };
  // RFC 9112 section 3.2.2: an absolute-form target overrides Host, so both must be ours.
  const target = authorityOf(approach.url);
  for (const authority of [host ?? target, target]) {
    if (!isOurs(authority, arrival, trusted)) return { kind: 'host_refused', host: authority };
  }
  if (origin !== null && !isOwnOrigin(origin, host ?? target, arrival, trusted))
    return { kind: 'origin_refused', origin };
  if (fetchSite?.toLowerCase().includes('cross-site')) return { kind: 'cross_site' };
  return null;
}

/** A name of ours, with the port the request came by or none. */
function isOurs(authority: string, arrival: Arrival | null, trusted: ReadonlySet<string>): boolean {
  const wanted = authority.toLowerCase();
  if (trusted.has(wanted)) return true;
  const [, name = '', port] = /^(.+?)(?::(\d+))?$/.exec(wanted) ?? [];
  if (port !== undefined && arrival !== null && Number(port) !== arrival.port) return false;
  return LOOPBACK.has(name) || trusted.has(name) || (arrival !== null && name === literalOf(arrival.address));
}

/** A page served by this very listener. A page of another port on this machine is a stranger. */
function isOwnOrigin(origin: string, asked: string, arrival: Arrival | null, trusted: ReadonlySet<string>): boolean {
  const [, authority] = /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase()) ?? [];
  if (authority === undefined) return false;
  if (authority === asked.toLowerCase()) return true;
  return arrival !== null && authority.endsWith(`:${arrival.port}`) && isOurs(authority, arrival, trusted);
}

/** What stands between `//` and the path. `Request.url` is absolute and normalised. */
function authorityOf(url: string): string {
  const start = url.indexOf('//') + 2;
  return url.slice(start, url.indexOf('/', start));
}

/** An address as it is written in a URL. */
function literalOf(address: string): string {
  // A socket bound to `::` also takes IPv4, and then shows the mapped form (RFC 4291 section 2.5.5.2).
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return plain.includes(':') ? `[${plain}]` : plain;
}

import type { ApiProblem } from './problems.js';

/** The connection that a request came by. */
export type Arrival = TcpArrival | SocketArrival;

export interface TcpArrival {
  /** This server's end: IPv4 or IPv6 literal, without brackets. */
  readonly address: string;
  readonly port: number;
  /** The client's end. Left out: clients are not told apart. */
  readonly peer?: string;
}

export interface SocketArrival {
  /** Path of the Unix socket. */
  readonly socket: string;
}

/** Who may ask beside the gateway's own pages and names. All in lower case. */
export interface Trusted {
  /** Further names of this gateway, with or without a port. */
  readonly hosts: ReadonlySet<string>;
  /** Origins whose pages may read answers, as browsers write them. */
  readonly origins: ReadonlySet<string>;
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
 * No browser opens a Unix socket, so any name will do there; a proxy in front of one may be what a
 * page asks, so the rules for pages hold.
 */
export function refusalOf(approach: Approach, trusted: Trusted): ApiProblem | null {
  const { host, origin, fetchSite, arrival } = approach;
  // A repeated Host arrives here as one value, joined as RFC 9110 section 5.3 joins any field.
  if (host?.includes(',')) return { kind: 'bad_request', problem: 'carries more than one Host' };
  // RFC 9112 section 3.2.2: an absolute-form target overrides Host, so both must be ours.
  const target = authorityOf(approach.url);
  if (!isSocket(arrival))
    for (const authority of [host ?? target, target])
      if (!isOurName(authority, arrival, trusted.hosts)) return { kind: 'host_refused', host: authority };
  if (origin !== null && trusted.origins.has(origin.toLowerCase())) return null;
  if (origin !== null && !isOwnOrigin(origin, host ?? target, arrival, trusted.hosts))
    return { kind: 'origin_refused', origin };
  // Fetch Metadata: a page of another port is "same-site", and "none" is what the user asked for. Images and scripts
  // of strangers come without an Origin.
  return fetchSite === null || /^(same-origin|none)$/i.test(fetchSite) ? null : { kind: 'cross_site' };
}

export function isSocket(arrival: Arrival | null): arrival is SocketArrival {
  return arrival !== null && 'socket' in arrival;
}

/**
 * A name of ours, with the port the request came by or none.
 *
 * @param trusted further names, in lower case.
 */
export function isOurName(authority: string, arrival: TcpArrival | null, trusted: ReadonlySet<string>): boolean {
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
  // By a socket the name has not been looked at yet, and a page under a name of its own sends that one in both fields.
  if (authority === asked.toLowerCase()) return !isSocket(arrival) || isOurName(authority, null, trusted);
  if (arrival === null || isSocket(arrival)) return false;
  return authority.endsWith(`:${arrival.port}`) && isOurName(authority, arrival, trusted);
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

import { ok } from 'neverthrow';
import { type AddressRange, parseAddressRange } from '../address.js';
import { listOf } from './access-readers.js';
import { ipv4Host, ipv6Host } from './address-readers.js';
import { MAX_RANGES, MAX_RESOLVERS, PORTS } from './bounds.js';
import type { DestinationRange } from './model.js';
import { type Reader, refuse, wholeNumber } from './readers.js';

// Who may use the proxy, where it may lead, and whom it asks for names.

const range: Reader<AddressRange> = (text) => {
  const parsed = parseAddressRange(/^\[.*\]$/.test(text) ? text.slice(1, -1) : text);
  return parsed.isErr() ? refuse(text, parsed.error) : ok(parsed.value);
};

/** A network, or one port of it: `192.0.2.1:443`, `[2001:db8::/32]:443`. */
const destination: Reader<DestinationRange> = (text) => {
  const [, where, port] = /^(\[[^\]]*\]|[^:]*):([^:]*)$/.exec(text) ?? [];
  if (where === undefined || port === undefined) return range(text).map((r) => ({ ...r, port: null }));
  return wholeNumber(PORTS)(port).andThen((number) => range(where).map((r) => ({ ...r, port: number })));
};

/** Networks of clients, or `none`. */
export const clientRanges: Reader<readonly AddressRange[]> = listOf('network', range, MAX_RANGES, textOfRange);

/** Networks or ports of them, or `none`. */
export const destinationRanges: Reader<readonly DestinationRange[]> = listOf(
  'network',
  destination,
  MAX_RANGES,
  (item) => `${textOfRange(item)}${item.port === null ? '' : `, port ${item.port}`}`,
);

/** An address of a name server, in the form that all of them are known by: with brackets where a port follows. */
const nameServer: Reader<string> = (text) => {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? text;
  const address = host.includes(':') ? ipv6Host(host) : ipv4Host(host);
  if (port === undefined) return address;
  return wholeNumber(PORTS)(port).andThen((number) =>
    address.map((canonical) => `${canonical.includes(':') ? `[${canonical}]` : canonical}:${number}`),
  );
};

/** Name servers, or `system`. */
export const nameServers: Reader<readonly string[] | null> = (text) => {
  if (text.toLowerCase() === 'system') return ok(null);
  if (text.toLowerCase() === 'none') return refuse(text, 'names no server: give system for those of this machine');
  return listOf('server', nameServer, MAX_RESOLVERS)(text);
};

function textOfRange({ address, length }: AddressRange): string {
  return `${address}/${length}`;
}

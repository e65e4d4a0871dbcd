import { textOfAddress } from '../address-bytes.js';
import {
  ADDRESS_TYPES,
  COMMANDS,
  type Command,
  type Credentials,
  type DatagramFault,
  type DatagramHeader,
  type GreetingFault,
  PASSWORD_VERSION,
  type PasswordFault,
  type Read,
  type Request,
  type RequestFault,
  SOCKS_VERSION,
  type Target,
  type TargetFault,
} from './codec.js';

// Every reader takes the bytes so far, from the beginning of its message on, and keeps none of them. A fault is
// told as soon as the bytes show it, whatever is still to come.

/** RFC 1928 section 3: the methods a client offers, as they came. */
export function readGreeting(bytes: Uint8Array): Read<Uint8Array, GreetingFault> {
  if (bytes.length >= 1 && bytes[0] !== SOCKS_VERSION) return bad('wrong_version');
  if (bytes.length < 2) return more(2 - bytes.length);
  const count = at(bytes, 1);
  if (count === 0) return bad('no_methods');
  const length = 2 + count;
  return bytes.length < length ? more(length - bytes.length) : read(bytes.slice(2, length), length);
}

/**
 * RFC 1929 section 2. Both fields have 1 to 255 bytes there: empty ones are refused.
 */
export function readCredentials(bytes: Uint8Array): Read<Credentials, PasswordFault> {
  if (bytes.length >= 1 && bytes[0] !== PASSWORD_VERSION) return bad('wrong_version');
  if (bytes.length < 2) return more(2 - bytes.length);
  const usernameEnd = 2 + at(bytes, 1);
  if (usernameEnd === 2) return bad('empty_username');
  if (bytes.length <= usernameEnd) return more(usernameEnd + 1 - bytes.length);
  const length = usernameEnd + 1 + at(bytes, usernameEnd);
  if (length === usernameEnd + 1) return bad('empty_password');
  if (bytes.length < length) return more(length - bytes.length);
  return read({ username: bytes.slice(2, usernameEnd), password: bytes.slice(usernameEnd + 1, length) }, length);
}

/** RFC 1928 section 4. */
export function readRequest(bytes: Uint8Array): Read<Request, RequestFault> {
  if (bytes.length >= 1 && bytes[0] !== SOCKS_VERSION) return bad('wrong_version');
  if (bytes.length < 4) return more(4 - bytes.length);
  const command = commandOf(at(bytes, 1));
  if (command === null) return bad('unknown_command');
  if (bytes[2] !== 0) return bad('reserved_not_zero');
  const target = readTarget(bytes, 3);
  if (target.kind !== 'read') return target;
  // Port 0 is nowhere to connect to; in the other requests it means "any" or nothing at all.
  if (command === 'connect' && target.value.port === 0) return bad('port_zero');
  return read({ command, target: target.value }, target.length);
}

/** RFC 1928 section 7, of one whole datagram. Fragments are not put together, so they are refused. */
export function readDatagram(
  datagram: Uint8Array,
): Extract<Read<DatagramHeader, DatagramFault>, { kind: 'read' | 'bad' }> {
  if (datagram.length < 4) return bad('truncated');
  if (datagram[0] !== 0 || datagram[1] !== 0) return bad('reserved_not_zero');
  if (datagram[2] !== 0) return bad('fragmented');
  const target = readTarget(datagram, 3);
  if (target.kind === 'more') return bad('truncated');
  if (target.kind === 'bad') return target;
  if (target.value.port === 0) return bad('port_zero');
  return read({ target: target.value, length: target.length }, target.length);
}

/** RFC 1928 section 5, with the port that follows. `from`: where ATYP is. `length` counts from the very beginning. */
function readTarget(bytes: Uint8Array, from: number): Read<Target, TargetFault> {
  const start = from + 1;
  switch (at(bytes, from)) {
    case ADDRESS_TYPES.ipv4:
      return readAddress(bytes, start, 4);
    case ADDRESS_TYPES.ipv6:
      return readAddress(bytes, start, 16);
    case ADDRESS_TYPES.name:
      return readName(bytes, start);
    default:
      return bad('unknown_address_type');
  }
}

function readAddress(bytes: Uint8Array, start: number, size: 4 | 16): Read<Target, never> {
  const length = start + size + 2;
  if (bytes.length < length) return more(length - bytes.length);
  const address = textOfAddress(bytes.subarray(start, start + size));
  return read({ kind: 'address', address, port: portAt(bytes, start + size) }, length);
}

function readName(bytes: Uint8Array, start: number): Read<Target, 'empty_name'> {
  if (bytes.length <= start) return more(start + 1 - bytes.length);
  const size = at(bytes, start);
  if (size === 0) return bad('empty_name');
  const end = start + 1 + size;
  if (bytes.length < end + 2) return more(end + 2 - bytes.length);
  const name = String.fromCharCode(...bytes.subarray(start + 1, end));
  return read({ kind: 'name', name, port: portAt(bytes, end) }, end + 2);
}

const COMMAND_OF: ReadonlyMap<number, Command> = new Map(
  Object.entries(COMMANDS).map(([name, value]) => [value, name as Command]),
);

const commandOf = (value: number): Command | null => COMMAND_OF.get(value) ?? null;
const at = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0;
const portAt = (bytes: Uint8Array, index: number): number => at(bytes, index) * 256 + at(bytes, index + 1);

const more = (missing: number): { readonly kind: 'more'; readonly missing: number } => ({ kind: 'more', missing });
const bad = <F>(fault: F): { readonly kind: 'bad'; readonly fault: F } => ({ kind: 'bad', fault });
const read = <T>(value: T, length: number): { readonly kind: 'read'; readonly value: T; readonly length: number } => ({
  kind: 'read',
  value,
  length,
});

import { err, ok, type Result } from 'neverthrow';
import { quoted } from './quote.js';

// Both kinds of name end up in file names, URLs and command lines, so both are kept plain.

const LONGEST_TUNNEL_NAME = 63;
/** IFNAMSIZ of Linux, without the closing zero. */
const LONGEST_IFACE = 15;

/** `lo` is the host's own, and `all` and `default` mean other things in /proc/sys/net/ipv6/conf. */
const RESERVED_IFACES = ['lo', 'all', 'default'];

/** Errs with a sentence. */
export function checkTunnelName(name: string): Result<string, string> {
  return isPlain(name, LONGEST_TUNNEL_NAME)
    ? ok(name)
    : err(`${quoted(name)} is no name for a tunnel: ${rule(LONGEST_TUNNEL_NAME)}`);
}

/** Errs with a sentence. */
export function checkMappingName(name: string): Result<string, string> {
  return isPlain(name, LONGEST_TUNNEL_NAME)
    ? ok(name)
    : err(`${quoted(name)} is no name for a mapping: ${rule(LONGEST_TUNNEL_NAME)}`);
}

/** Errs with a sentence. */
export function checkIface(name: string): Result<string, string> {
  if (RESERVED_IFACES.includes(name))
    return err(`${quoted(name)} is a name that Linux keeps for itself: choose another interface name`);
  return isPlain(name, LONGEST_IFACE)
    ? ok(name)
    : err(`${quoted(name)} is no name for an interface: ${rule(LONGEST_IFACE)}`);
}

function isPlain(name: string, longest: number): boolean {
  return name.length <= longest && /^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(name) && name !== '.' && name !== '..';
}

function rule(longest: number): string {
  return `use 1 to ${longest} letters, digits, ".", "_" and "-", with no "-" first`;
}

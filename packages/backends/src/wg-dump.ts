import type { DriverError, Millis, UnixSeconds } from '@hurricane/core';
import { err, ok, type ResultAsync } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { faultOf } from './obey.js';

/** What `wg` knows of an interface, without its keys. */
export interface WgDump {
  /** Null while it listens nowhere. */
  readonly listenPort: number | null;
  readonly fwmark: number | null;
  readonly peers: readonly WgPeer[];
}

export interface WgPeer {
  /** `192.0.2.1:51820` or `[2001:db8::1]:51820`, where packets go; null while none is known. */
  readonly endpoint: string | null;
  readonly allowedIps: readonly string[];
  /** When keys were last agreed on; null before the first time. */
  readonly handshake: UnixSeconds | null;
  readonly rx: bigint;
  readonly tx: bigint;
  /** Null when no keep-alives are sent. */
  readonly keepalive: Millis | null;
}

/** Columns of the interface's line and of a peer's (`dump_print` in wg's show.c). */
const INTERFACE_COLUMNS = 4;
const PEER_COLUMNS = 8;

/**
 * Asks `wg` about an interface. Null when it is none of WireGuard's, or its process does not answer.
 * What `wg` prints holds the private key: it goes into no error and no log.
 */
export function readDump(
  runner: CommandRunner,
  iface: string,
  signal: AbortSignal,
): ResultAsync<WgDump | null, DriverError> {
  const argv = ['wg', 'show', iface, 'dump'];
  return runner.run(argv, signal).andThen((finished) => {
    if (finished.exitCode === 0) return ok(parseDump(finished.stdout));
    const fault = faultOf(argv, finished);
    return fault.kind === 'not_permitted' ? err<WgDump | null, DriverError>(fault) : ok(null);
  });
}

/** Null when the text is no dump. A peer's line that cannot be read is left out. */
export function parseDump(text: string): WgDump | null {
  const [first = '', ...rest] = text.split('\n').filter((line) => line !== '');
  const columns = first.split('\t');
  if (columns.length !== INTERFACE_COLUMNS) return null;
  const [, , port = '', fwmark = ''] = columns;
  return {
    listenPort: port === '0' ? null : numberIn(port),
    fwmark: numberIn(fwmark),
    peers: rest
      .map((line) => line.split('\t'))
      .flatMap((cells) => (cells.length === PEER_COLUMNS ? peerIn(cells) : [])),
  };
}

function peerIn(cells: readonly string[]): readonly WgPeer[] {
  // The first two are the peer's public key and the shared one.
  const [, , endpoint = '', allowed = '', handshake = '', rx = '', tx = '', keepalive = ''] = cells;
  if (![handshake, rx, tx].every((cell) => /^\d+$/.test(cell))) return [];
  const seconds = numberIn(keepalive);
  return [
    {
      endpoint: endpoint === '(none)' ? null : endpoint,
      allowedIps: allowed === '(none)' ? [] : allowed.split(','),
      handshake: handshake === '0' ? null : Number(handshake),
      rx: BigInt(rx),
      tx: BigInt(tx),
      keepalive: seconds === null ? null : seconds * 1_000,
    },
  ];
}

/** Null for `off` and whatever else is no number; wg prints marks in hexadecimal. */
const numberIn = (cell: string): number | null => (/^(0x[0-9a-f]+|\d+)$/i.test(cell) ? Number(cell) : null);

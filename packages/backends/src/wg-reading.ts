import { ABSENT, type LinkReading, type Millis, type UnixSeconds } from '@hurricane/core';
import { type Interface, type InterfaceAddress, sourceAddress, toReading } from './interface.js';
import { inFileOrder, type WgBelongings } from './wg-belongings.js';
import type { Sight } from './wg-sight.js';

/** What WireGuard tells beyond other tunnels. Old keys on an idle tunnel mean nothing: none are agreed on unused. */
export interface WireguardReading extends LinkReading {
  /** Since keys were last agreed on with any peer; null before the first time. */
  readonly handshakeAge: Millis | null;
  /** Where packets go, `address:port`, of the peer that has most of IPv6; null while not known. */
  readonly endpoint: string | null;
}

export interface WgReadingOptions {
  /** The address the tunnel is to use, where its interface has it. */
  readonly preferred: string | null;
  /** What the file gives the interface; null when not known. */
  readonly given: WgBelongings | null;
  readonly userspace: string;
  readonly wall: UnixSeconds;
}

export function wgReading({ kind, found, dump }: Sight, options: WgReadingOptions): LinkReading | WireguardReading {
  if (found === null || kind === 'taken') return ABSENT;
  const { userspace, wall } = options;
  const carrier = found.kind === 'tun' ? (userspace.split('/').at(-1) ?? userspace) : 'wireguard (kernel)';
  const handshakes = dump?.peers.flatMap(({ handshake }) => (handshake === null ? [] : [handshake])) ?? [];
  const wide = dump?.peers.find(({ allowedIps }) => allowedIps.includes('::/0')) ?? dump?.peers[0];
  return {
    ...toReading(found, wgSource(found, options), null, carrier),
    handshakeAge: handshakes.length === 0 ? null : 1_000 * Math.max(0, wall - Math.max(...handshakes)),
    endpoint: wide?.endpoint ?? null,
  };
}

/** Of several addresses the one that the file lists first, so that one put back is again what it was. */
export const wgSource = (
  found: Interface,
  { preferred, given }: Pick<WgReadingOptions, 'preferred' | 'given'>,
): InterfaceAddress | null => sourceAddress(given === null ? found : inFileOrder(found, given), preferred);

import type { AddressRange } from '@hurricane/core';
import { bytesOfAddress } from '../address-bytes.js';

/** Addresses that begin with the same bits. */
export interface Network {
  /** 4 or 16. */
  readonly bytes: Uint8Array;
  /** How many bits count, from the first one on. */
  readonly length: number;
}

/** A range in the form in which addresses are compared with it. */
export function networkOf({ address, length }: AddressRange): Network {
  const bytes = bytesOfAddress(address);
  // A range has been read from text and found good: anything else is a slip of ours.
  if (bytes === null) throw new Error(`${address} is no address`);
  return { bytes, length };
}

/** Whether an address of 4 or 16 bytes is in it. */
export function contains(network: Network, address: Uint8Array): boolean {
  if (network.bytes.length !== address.length) return false;
  const whole = network.length >> 3;
  for (let i = 0; i < whole; i += 1) if (network.bytes[i] !== address[i]) return false;
  const rest = network.length & 7;
  if (rest === 0) return true;
  const mask = (0xff00 >> rest) & 0xff;
  return ((network.bytes[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask);
}

import { bytesOfAddress } from '../address-bytes.js';
import { contains, type Network } from './networks.js';

/** Whether a client may connect at all. An empty list lets everybody in whom the listening address lets come. */
export function admitsClient(allowed: readonly Network[], address: string): boolean {
  if (allowed.length === 0) return true;
  const bytes = bytesOfAddress(address);
  return bytes !== null && allowed.some((network) => contains(network, bytes));
}

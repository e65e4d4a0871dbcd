import type { Endpoint } from '../contracts.js';
import { CLIENTS_REMEMBERED } from '../limits.js';
import { SOCKET_ADDRESS_BYTES } from './arena.js';
import { endpointOf, familyOf } from './socket-address.js';
import { AF_INET } from './sys.js';

/** Addresses in text: most connections come from where others came from. */
export class Names {
  /** By what tells addresses apart: behind an IPv4 address lies what was there before. */
  readonly #known = new Map<number | string, string>();

  /** What the kernel wrote to `memory` at `at`. */
  at(memory: Uint8Array, at: number): Endpoint {
    return this.of(memory.subarray(at, at + SOCKET_ADDRESS_BYTES));
  }

  of(address: Uint8Array): Endpoint {
    const key = familyOf(address) === AF_INET ? intAt(address, 4) : textAt(address);
    const known = this.#known.get(key);
    if (known !== undefined) return { address: known, port: (address[2] ?? 0) * 256 + (address[3] ?? 0) };
    const found = endpointOf(address);
    if (this.#known.size >= CLIENTS_REMEMBERED) this.#known.clear();
    this.#known.set(key, found.address);
    return found;
  }
}

function intAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

/** Address and scope of `sockaddr_in6`. */
function textAt(address: Uint8Array): string {
  return Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1', 8);
}

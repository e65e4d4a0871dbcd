import type { Endpoint } from '../contracts.js';
import { CLIENTS_REMEMBERED } from '../limits.js';
import { SOCKET_ADDRESS_BYTES } from './arena.js';
import { endpointOf, familyOf } from './socket-address.js';
import { AF_INET } from './sys.js';

/** Addresses in text: most connections come from where others came from. */
export class Names {
  readonly #known = new Map<string, string>();

  /** What the kernel wrote to `memory` at `at`. */
  at(memory: Uint8Array, at: number): Endpoint {
    return this.of(memory.subarray(at, at + SOCKET_ADDRESS_BYTES));
  }

  of(address: Uint8Array): Endpoint {
    // What tells addresses apart; behind an IPv4 address lies what was there before.
    const key = Buffer.from(address.buffer, address.byteOffset, address.length).toString(
      'latin1',
      4,
      familyOf(address) === AF_INET ? 8 : SOCKET_ADDRESS_BYTES,
    );
    const port = (address[2] ?? 0) * 256 + (address[3] ?? 0);
    const known = this.#known.get(key);
    if (known !== undefined) return { address: known, port };
    const found = endpointOf(address);
    if (this.#known.size >= CLIENTS_REMEMBERED) this.#known.clear();
    this.#known.set(key, found.address);
    return found;
  }
}

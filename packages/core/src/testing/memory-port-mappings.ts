import { err, errAsync, ok, okAsync, type Result, type ResultAsync } from 'neverthrow';
import type { PortMappings } from '../contracts.js';
import type { PortError, PortMapping, PortMappingRequest, PortProbe, PortProtocol } from '../port-mappings.js';
import type { UnixSeconds } from '../units.js';

export interface MemoryPortMappingsOptions {
  /** The tunnels' addresses, canonical, the primary's first. Asked at every mapping. */
  readonly addresses: () => readonly string[];
  /** External ports that are refused: the gateway's own. Default: none. */
  readonly reserved?: readonly number[];
  /** How many mappings there can be. Default: 256. */
  readonly limit?: number;
  /** Default: 0. */
  readonly now?: () => UnixSeconds;
}

/** A table of port mappings that keeps every promise of the contract but carries nothing. */
export class MemoryPortMappings implements PortMappings {
  readonly #options: MemoryPortMappingsOptions;
  readonly #mappings = new Map<string, PortMapping>();

  constructor(options: MemoryPortMappingsOptions) {
    this.#options = options;
  }

  map(request: PortMappingRequest): ResultAsync<PortMapping, PortError> {
    return this.#map(request).match(
      (mapping) => okAsync(mapping),
      (error) => errAsync(error),
    );
  }

  unmap(protocol: PortProtocol, externalPort: number): ResultAsync<PortMapping, PortError> {
    const mapping = this.#mappings.get(keyOf(protocol, externalPort));
    if (mapping === undefined) return errAsync({ kind: 'unknown_mapping', protocol, externalPort });
    this.#mappings.delete(keyOf(protocol, externalPort));
    return okAsync(mapping);
  }

  list(): ResultAsync<readonly PortMapping[], PortError> {
    return okAsync([...this.#mappings.values()]);
  }

  probe(protocol: PortProtocol, port: number): ResultAsync<PortProbe, PortError> {
    const mapped = this.#mappings.has(keyOf(protocol, port));
    return okAsync(
      mapped
        ? { finding: 'unknown', note: `${protocol} port ${port} is mapped, and nobody outside has been asked.` }
        : { finding: 'closed', note: `No mapping listens on ${protocol} port ${port}.` },
    );
  }

  #map(request: PortMappingRequest): Result<PortMapping, PortError> {
    const { protocol, internalPort, externalPort, direction = 'in', target = null, description = null } = request;
    const ours = this.#options.addresses();
    const v6Address = request.v6Address === 'auto' ? ours[0] : request.v6Address;
    if (v6Address === undefined) return err({ kind: 'no_address' });
    if (!ours.includes(v6Address)) return err({ kind: 'address_not_ours', address: v6Address, ours });
    if (direction === 'out' && target === null) return err({ kind: 'bad_target', problem: 'is missing' });
    if (direction === 'in' && target !== null) return err({ kind: 'bad_target', problem: 'goes with "out" only' });
    if (this.#options.reserved?.includes(externalPort) === true)
      return err({ kind: 'port_reserved', port: externalPort, side: 'external' });
    const key = keyOf(protocol, externalPort);
    const wanted = { protocol, internalPort, externalPort, v6Address, direction, target, description };
    const there = this.#mappings.get(key);
    if (there !== undefined) {
      const same = JSON.stringify({ ...there, ...wanted }) === JSON.stringify(there);
      return same ? ok(there) : err({ kind: 'port_taken', port: externalPort, side: 'external' });
    }
    const limit = this.#options.limit ?? 256;
    if (this.#mappings.size >= limit) return err({ kind: 'too_many_mappings', limit });
    const mapping: PortMapping = { ...wanted, since: this.#options.now?.() ?? 0 };
    this.#mappings.set(key, mapping);
    return ok(mapping);
  }
}

const keyOf = (protocol: PortProtocol, port: number): string => `${protocol} ${port}`;

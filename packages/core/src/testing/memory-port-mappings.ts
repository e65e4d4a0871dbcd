import { err, errAsync, ok, okAsync, type Result, type ResultAsync } from 'neverthrow';
import type { PortMappings } from '../contracts.js';
import {
  MAX_PORT_MAPPINGS,
  type PortError,
  type PortMapping,
  type PortMappingRequest,
  type PortProbe,
  type PortProtocol,
} from '../port-mappings.js';
import type { UnixSeconds } from '../units.js';

export interface MemoryPortMappingsOptions {
  /** The tunnels' addresses, canonical, the primary's first. Asked at every mapping. */
  readonly addresses: () => readonly string[];
  /** External ports that are refused: the gateway's own. Default: none. */
  readonly reserved?: readonly number[];
  /** How many mappings there can be. Default: `MAX_PORT_MAPPINGS`. */
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
    const mapping = this.#mappings.get(keyOf(protocol, port));
    const unknown = { finding: 'unknown', address: null, vantage: null, latency: null } as const;
    if (mapping === undefined) return okAsync({ ...unknown, note: `No mapping listens on ${protocol} port ${port}.` });
    const note = `${protocol} port ${port} is mapped, and nobody outside has been asked.`;
    return okAsync({ ...unknown, address: mapping.v6Address, note });
  }

  #map(request: PortMappingRequest): Result<PortMapping, PortError> {
    const { protocol, externalPort } = request;
    const asked = this.#askedFor(request);
    if (asked.isErr()) return err(asked.error);
    const key = keyOf(protocol, externalPort);
    const there = this.#mappings.get(key);
    if (there !== undefined) {
      const same = JSON.stringify({ ...asked.value, since: there.since }) === JSON.stringify(there);
      const holder = `the mapping of ${protocol} port ${externalPort}`;
      return same ? ok(there) : err({ kind: 'port_taken', port: externalPort, side: 'external', holder });
    }
    const limit = this.#options.limit ?? MAX_PORT_MAPPINGS;
    if (this.#mappings.size >= limit) return err({ kind: 'too_many_mappings', limit });
    this.#mappings.set(key, asked.value);
    return ok(asked.value);
  }

  #askedFor(request: PortMappingRequest): Result<PortMapping, PortError> {
    const { protocol, internalPort, externalPort, direction = 'in', target = null, description = null } = request;
    const ours = this.#options.addresses();
    const auto = request.v6Address === 'auto';
    const v6Address = auto ? ours[0] : request.v6Address;
    if (v6Address === undefined) return err({ kind: 'no_address' });
    if (!ours.includes(v6Address)) return err({ kind: 'address_not_ours', address: v6Address, ours });
    if (direction === 'out' && target === null) return err({ kind: 'bad_target', problem: 'is missing' });
    if (direction === 'in' && target !== null) return err({ kind: 'bad_target', problem: 'goes with "out" only' });
    if (this.#options.reserved?.includes(externalPort) === true)
      return err({ kind: 'port_reserved', port: externalPort, side: 'external' });
    return ok({
      protocol,
      internalHost: '127.0.0.1',
      internalPort,
      externalPort,
      v6Address,
      auto,
      direction,
      target,
      description,
      name: null,
      state: 'open',
      problem: null,
      since: this.#options.now?.() ?? 0,
    });
  }
}

const keyOf = (protocol: PortProtocol, port: number): string => `${protocol} ${port}`;

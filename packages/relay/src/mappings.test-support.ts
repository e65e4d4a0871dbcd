import type { PortMappingRequest } from '@hurricane/core';
import { errAsync, okAsync } from 'neverthrow';
import type { Ways } from './contracts.js';
import { FlowTable } from './flows.js';
import type { MappingSpec } from './mapping-spec.js';
import { Mappings, type MappingsOptions } from './mappings.js';
import { Nonces } from './nonces.js';
import { Faults } from './passage.js';
import type { Loaded, MappingStore, StoredMapping } from './store.js';
import { streamEngine } from './stream-engine.js';

/** A store in memory that a test can break. */
export interface HandStore extends MappingStore {
  kept: readonly StoredMapping[];
  /** Makes everything fail with that code. */
  fault: string | null;
  found: Loaded;
}

export function handStore(): HandStore {
  const store: HandStore = {
    kept: [],
    fault: null,
    found: { mappings: [], setAside: null },
    load: () => (store.fault === null ? okAsync(store.found) : errAsync({ code: store.fault })),
    save: (mappings) => {
      if (store.fault !== null) return errAsync({ code: store.fault });
      store.kept = mappings;
      return okAsync(undefined);
    },
  };
  return store;
}

export interface Bench extends MappingsOptions {
  readonly mappings: Mappings;
  readonly store: HandStore;
  readonly lines: readonly string[];
}

/** A table of mappings over these ways, with everything real but the store and the knock. */
export function aBench(ways: Ways, parts: Partial<MappingsOptions> = {}): Bench {
  const lines: string[] = [];
  const options = {
    ways,
    engine: streamEngine(),
    flows: new FlowTable({ ways, now: () => 1_700_000_000 }),
    nonces: new Nonces(),
    faults: new Faults(),
    log: { log: (level: string, message: string) => void lines.push(`${level}: ${message}`) },
    knock: () => errAsync({ reason: 'this test sends nothing' }),
    now: () => 1_700_000_000,
    reserved: [8642],
    ...parts,
    store: handStore(),
  };
  return { ...options, mappings: new Mappings(options), lines };
}

/** Port 0: any free one. */
export function aRequest(parts: Partial<PortMappingRequest> = {}): PortMappingRequest {
  return { protocol: 'tcp', internalPort: 9_000, externalPort: 0, v6Address: 'auto', ...parts };
}

/** Inwards, to a program of this machine at port 1, wherever there is a port. */
export function aSpec(parts: Partial<MappingSpec> = {}): MappingSpec {
  return {
    name: null,
    protocol: 'tcp',
    internalHost: '127.0.0.1',
    internalPort: 1,
    externalPort: 0,
    v6Address: 'auto',
    direction: 'in',
    target: null,
    proxyProtocol: false,
    description: null,
    ...parts,
  };
}
